/*
 * step.h - one step of a unit: what it does, and where.
 */
#pragma once

#include "sample.h"

/* A step as one thread of a unit runs it. */
typedef struct STEP_CALL {
    WSKT_STEP Step;
    UINT32 Shift;       /* added to every client index */
    UINT32 SocketShift; /* added to every socket index */
    UINT64 Deadline;    /* on ClockNs: when the unit's time is up */

    /* Where it is, for those who ask what is under way: as WSKT_ACTIVITY has it. */
    UINT32 Case;
    UINT32 Index; /* of the step in the case */
    UINT32 Runner;
    UINT32 Iteration;
    UINT32 Named;
} STEP_CALL;

/*
 * Runs the step where it asks to be run, and waits for it within its limits (a step with a Thread is
 * only started). Fills in all of Result. PASSIVE_LEVEL.
 */
VOID StepRun(const STEP_CALL *Call, WSKT_RESULT *Result);

/* operation.c */

/* STATUS_SUCCESS if the step can be run as it stands. */
NTSTATUS OperationCheck(const STEP_CALL *Call);

/* Does what the step says, here and now, and times it. IRQL: that of the step's context. */
VOID OperationRun(const STEP_CALL *Call, WSKT_RESULT *Result);

/* context.c: contexts other than the caller's own */

VOID ContextsInitialize(VOID);

/* On a worker; gives up waiting, not the work, when the step's time is up. PASSIVE_LEVEL. */
VOID RunGuarded(const STEP_CALL *Call, WSKT_RESULT *Result);

/* At DISPATCH_LEVEL under a spin lock. PASSIVE_LEVEL. */
VOID RunUnderSpinLock(const STEP_CALL *Call, WSKT_RESULT *Result);

/* At DISPATCH_LEVEL in a deferred procedure call. PASSIVE_LEVEL. */
VOID RunInDpc(const STEP_CALL *Call, WSKT_RESULT *Result);

/* Deferred procedure calls that have not run. */
UINT32 ContextsBusy(VOID);

/* In Unload: no DPC of this image may be left. PASSIVE_LEVEL. */
VOID ContextsEnd(VOID);

/* thread.c: named kernel threads */

VOID ThreadsInitialize(VOID);

/* Starts the step on the thread that it names, and returns. PASSIVE_LEVEL. */
VOID ThreadStart(const STEP_CALL *Call, WSKT_RESULT *Result);

/* WSKT_OP_BLOCKED and WSKT_OP_JOIN. PASSIVE_LEVEL. */
VOID ThreadBlocked(UINT32 Index, UINT32 Ms, WSKT_RESULT *Result);
VOID ThreadJoin(UINT32 Index, UINT32 Ms, WSKT_RESULT *Result);

UINT32 ThreadsBusy(VOID);

/* Threads whose operation has returned become as if never used. */
VOID ThreadsForget(VOID);

/* In Unload. PASSIVE_LEVEL. */
VOID ThreadsEnd(VOID);
