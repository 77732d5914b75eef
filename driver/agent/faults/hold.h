/*
 * hold.h - disturbances on purpose: a command that changes something in the guest for as long as somebody
 * wants it, and puts it back whatever becomes of him.
 */
#pragma once

#include <windows.h>

/* Longest that anything is held. */
#define HOLD_MS_MAX 600000u

/* Returns when standard input ends (whoever wanted it is done, or gone), or after Ms. */
void HoldWhileWanted(DWORD Ms);

/*
 * Waits while a file `JOURNAL.hold` is there: a run is disturbed between two cases. No longer than the
 * longest that anything is held, nor than until Cancel is set.
 */
void HoldBetween(const wchar_t *Journal, HANDLE Cancel);

/*
 * Puts back what a `fill` or `clock` that was killed has left. Does nothing while one is at it. Errors
 * are complained of.
 */
void HoldTidy(void);

/* fill.c: removes the file that fills the volume, unless a `fill` holds it. */
void FillTidy(void);

/* clock.c: sets the clock back, unless a `clock` is at it. */
void ClockTidy(void);
