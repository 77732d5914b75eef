/*
 * worker.h - kernel threads that run one piece of work at a time.
 *
 * A thread is made on first use and kept until the driver unloads, so that a case which repeats a guarded
 * call a thousand times does not make a thousand threads.
 */
#pragma once

#include "pool.h"

_IRQL_requires_(PASSIVE_LEVEL) typedef VOID WORK_ROUTINE(PVOID Context); /* on the worker's thread */

typedef struct WORKER {
    POOL_USE Use; /* what its thread is for */
    PVOID Thread; /* referenced; NULL until first used */
    KEVENT Wake;
    volatile LONG Busy; /* 1 from the claim until the work has returned */
    volatile LONG Stop;
    WORK_ROUTINE *Routine;
    WORK_ROUTINE *Report;
    PVOID Context;
} WORKER;

_IRQL_requires_max_(PASSIVE_LEVEL) VOID WorkerInitialize(WORKER *Worker, POOL_USE Use);

/*
 * Runs Routine(Context) on the worker's thread, and then, when the worker counts as free again,
 * Report(Context) unless that is NULL: who learns from it that the work is over finds nothing of it
 * left. STATUS_DEVICE_BUSY while earlier work has not returned.
 */
_IRQL_requires_max_(PASSIVE_LEVEL) _Must_inspect_result_ NTSTATUS
    WorkerStart(WORKER *Worker, WORK_ROUTINE *Routine, WORK_ROUTINE *Report, PVOID Context);

/* The same, but waits for earlier work, which must be about to return. */
_IRQL_requires_max_(PASSIVE_LEVEL) _Must_inspect_result_ NTSTATUS
    WorkerStartAgain(WORKER *Worker, WORK_ROUTINE *Routine, PVOID Context);

/* Ends the thread, after the work that it has. Waits without a limit: see worker.c. */
_IRQL_requires_max_(PASSIVE_LEVEL) VOID WorkerEnd(WORKER *Worker);
