/*
 * faults.h - faults that are injected into the guest on purpose: a command changes something in it for as
 * long as its caller wants, and puts it back whatever becomes of that caller.
 */
#pragma once

#include <windows.h>

/* Longest that anything is held. */
#define HOLD_MS_MAX 600000u

/* Returns when standard input ends (the caller is done, or gone), or after Ms. */
void HoldWhileWanted(DWORD Ms);

/*
 * Waits while a file `JOURNAL.hold` is there: faults are injected between two cases. No longer than the
 * longest that anything is held, nor than until Cancel is set.
 */
void HoldBetween(const wchar_t *Journal, HANDLE Cancel);

/*
 * Both put back what a command that was killed has left, unless one is under way: the file that fills the
 * volume, the clock. They complain of errors.
 */
void FillTidy(void);
void ClockTidy(void);
