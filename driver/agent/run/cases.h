/* cases.h - runs the cases of a plan against the device of a driver that has been started. */
#pragma once

#include "executor.h"
#include "reboot.h"

typedef enum CASES_END {
    CASES_DONE,
    CASES_CANCELLED,
    CASES_TAINTED,   /* a request did not come back, or a case left something that can't be tidied up */
    CASES_DEVICE,    /* the driver's device went away */
    CASES_REBOOTING, /* the guest reboots, and the run goes on after it */
    CASES_LEASE,     /* the guest is another's by now */
    CASES_JOURNAL,   /* the journal can't be written: nothing more may be done that nobody would know of */
} CASES_END;

typedef struct CASES {
    const PLAN *Plan;
    JOURNAL *Journal;
    const RUN_FILES *Files;
    EXECUTOR Executor;
    HANDLE Cancel;  /* an event; when it is set the run stops after the current batch */
    UINT32 Ended;   /* cases with a case-end so far */
    UINT64 Unready; /* a bit for each suite whose set-up was not as expected */
    BOOL Lost;      /* the driver went down under a step: that it is stopped by now proves no unload */
} CASES;

/* Whether a point is one of this plan, at a step that reboots. */
BOOL CasesHave(const PLAN *Plan, const REBOOT_POINT *Point);

/*
 * All cases; with From, which CasesHave, those that are left from there on: the step that rebooted is back,
 * and the driver, where the step wants it, is opened here.
 */
CASES_END CasesRun(CASES *Cases, const REBOOT_POINT *From);
