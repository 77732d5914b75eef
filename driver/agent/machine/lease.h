/*
 * lease.h - who may use the guest: docs/protocol.md, "The lease".
 *
 * The guest itself knows it, so that one machine is one by whichever name it is reached. A lease is a number
 * that is given out once; a newer one makes every older one worth nothing.
 */
#pragma once

#include "text.h"

/* The answer to whoever asks for the lease. */
typedef struct LEASE_ANSWER {
    BOOL Granted;
    UINT32 Number; /* of the lease that is in force */
    wchar_t Owner[201];
    BOOL Running; /* a run of it lives in the guest */
    BOOL Used;    /* in this boot … */
    UINT64 Ms;    /* … so long ago */
} LEASE_ANSWER;

/*
 * Takes the lease: the one in force where Owner has it, else a new one, unless that of another was used a
 * moment ago or a run of it lives. Returns a Win32 code.
 */
_Must_inspect_result_ DWORD LeaseTake(const wchar_t *Owner, LEASE_ANSWER *Answer);

/* "it is used by …, with lease …, last heard of …": added to Text. */
void TextAddLease(TEXT *Text, const LEASE_ANSWER *Answer);

/*
 * Is an order allowed that comes with this number (the text of --lease, NULL: with none)? Then that counts as
 * a use. One with none is. Returns EXIT_DONE, or the exit code for an order that is refused, which has been
 * told.
 */
_Must_inspect_result_ int LeaseAdmit(const wchar_t *Given, const char *Attempt);

/*
 * The same of a run that is about to have this journal: with no number it is allowed only where nobody has
 * the guest. *InForce is the newest number that was given out, or 0.
 */
_Must_inspect_result_ int LeaseAdmitRun(const wchar_t *Given, const char *Attempt, const wchar_t *Journal,
                                        UINT32 *InForce);

/* "--lease" as a number. */
BOOL LeaseParse(const wchar_t *Given, UINT32 *Number);

/* Has another lease been given out than that which was the newest one when the run was started? */
BOOL LeaseLost(UINT32 Number);

/* Does the run live whose journal that is, or will it when the guest is up? */
BOOL LeaseRunLives(const wchar_t *Journal);

/* Notes that the guest is used, by a run between two orders. */
void LeaseTouch(UINT32 Number);
