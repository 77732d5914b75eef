/*
 * reboot.h - a guest that reboots in mid-case, and the run that goes on after it.
 *
 * Before it orders the reboot a run writes down where it has got to, and makes a service that starts with the
 * guest. The service goes on with the journal of the boot before, which says "reboot" at its end until then.
 */
#pragma once

#include "bootid.h"
#include "journal.h"

/* A run from outside: its files, as PathOpen gives them, and its service. */
typedef struct RUN_FILES {
    wchar_t *Plan;
    wchar_t *Journal;
    UINT32 Lease;   /* the newest one when it was started: lease.h */
    UINT32 Reboots; /* of the run so far: they tell the services of its boots apart */
} RUN_FILES;

/* Where a run has got to: at a step that reboots. */
typedef struct REBOOT_POINT {
    UINT32 Magic;
    UINT32 Case;
    UINT32 Batch;     /* of the case: the one with the step */
    UINT32 FirstStep; /* of that batch, within the case */
    UINT32 Ran;       /* steps of the case that are back */
    UINT32 Ended;     /* cases of the run that are over */
    UINT32 Reboots;   /* of the run, this one included */
    UINT32 Changes;   /* what was noted to be undone when the case began */
    UINT64 Unready;   /* suites whose set-up was not as expected: CASES */
    UINT64 CaseMs;    /* of the journal: when the case began */
    UINT64 OrderMs;
    UINT64 OrderUnixMs;
    UINT64 Sequence; /* of the journal's last record */
    UINT64 Bytes;    /* of the journal */
    char Boot[BOOT_ID_CHARS + 1];
} REBOOT_POINT;

/*
 * Beside the journal. RebootPointTake removes it: a run goes on once, and not before the guest has rebooted
 * (ERROR_NOT_READY; then it stays where it is). Both return a Win32 code.
 */
DWORD RebootPointSave(const wchar_t *Journal, const REBOOT_POINT *Point);
DWORD RebootPointTake(const wchar_t *Journal, REBOOT_POINT *Point);

/* The guest does not reboot after all. */
void RebootPointForget(const wchar_t *Journal);

/* Asks the system to reboot now. It returns when the system has taken note; the reboot may fail later. */
DWORD RebootOrder(void);
