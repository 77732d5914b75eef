/*
 * worker.h - kernel threads that run one piece of work at a time.
 *
 * Threads are made on first use and kept until the driver unloads, so that a case which repeats a
 * guarded call a thousand times does not make a thousand threads.
 */
#pragma once

#include "sample.h"

typedef VOID WORK_ROUTINE(PVOID Context); /* PASSIVE_LEVEL, on the worker's thread */

typedef struct WORKER {
    PVOID Thread; /* referenced; NULL until first used */
    KEVENT Wake;
    volatile LONG Busy; /* 1 from the claim until the work has returned */
    volatile LONG Stop;
    WORK_ROUTINE *Routine;
    WORK_ROUTINE *Report;
    PVOID Context;
} WORKER;

/* Once, in DriverEntry. */
VOID WorkersInitialize(VOID);
VOID WorkerInitialize(WORKER *Worker);

/*
 * Runs Routine(Context) on the worker's thread, and then, when the worker counts as free again,
 * Report(Context) unless that is NULL: who learns from it that the work is over finds nothing of it
 * left. STATUS_DEVICE_BUSY while earlier work has not returned. PASSIVE_LEVEL.
 */
NTSTATUS WorkerStart(WORKER *Worker, WORK_ROUTINE *Routine, WORK_ROUTINE *Report, PVOID Context);

/* The same, but waits for earlier work, which must be about to return. PASSIVE_LEVEL. */
NTSTATUS WorkerStartAgain(WORKER *Worker, WORK_ROUTINE *Routine, PVOID Context);

/* The same on any free worker of the pool; STATUS_DEVICE_BUSY when there is none. PASSIVE_LEVEL. */
NTSTATUS WorkerStartAny(WORK_ROUTINE *Routine, WORK_ROUTINE *Report, PVOID Context);

/* How many workers of the pool have work that has not returned. Any IRQL. */
UINT32 WorkersBusy(VOID);

/* Ends the thread, after the work that it has. Waits without a limit: see worker.c. PASSIVE_LEVEL. */
VOID WorkerEnd(WORKER *Worker);
VOID WorkersEnd(VOID);
