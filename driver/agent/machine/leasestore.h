/* leasestore.h - the lease as it is kept in the guest, for lease.c. All but LeaseRuns return Win32 codes. */
#pragma once

#include "lease.h"
#include "path.h"

typedef struct LEASE_STORE {
    UINT32 Number;
    wchar_t Owner[ARRAYSIZE(((LEASE_ANSWER *)0)->Owner)];
    wchar_t Journal[PATH_PREFIX_CHARS + PATH_CHARS_MAX + 1];
    BOOL Used;
    UINT64 Ticks;
} LEASE_STORE;

/* Keeps every other agent away from it. Bounded. */
_Must_inspect_result_ _Acquires_lock_(*Mutex) DWORD LeaseLock(_Out_ HANDLE *Mutex);
_Releases_lock_(Mutex) void LeaseUnlock(HANDLE Mutex);

/*
 * What is known of the lease. A run that has ordered a reboot goes on in the next boot, where nothing is
 * known of its use: its time begins when somebody first asks.
 */
_Must_inspect_result_ DWORD LeaseRead(LEASE_STORE *Store, BOOL *Running);

/* Gives a number out. It is on the disk before anybody has it, so that no crash makes it come again. */
DWORD LeaseWrite(UINT32 Number, const wchar_t *Owner);

/* An empty one: the lease was given back. */
DWORD LeaseNoteOwner(const wchar_t *Owner);
DWORD LeaseNoteJournal(const wchar_t *Journal);
DWORD LeaseTouchAt(UINT64 Ticks);

/* The newest number; 0 where none was given out, or it can't be read. */
DWORD LeaseNewest(UINT32 *Number);

/* Does a run live whose journal is at Path? *Rebooting: it will when the guest is up. */
BOOL LeaseRuns(const wchar_t *Path, BOOL *Rebooting);
