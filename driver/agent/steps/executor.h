/* executor.h - executes the steps of a plan that are the agent's, and keeps what they leave at work. */
#pragma once

#include "handles.h"
#include "task.h"

typedef struct EXECUTOR {
    const PLAN *Plan;
    HANDLES Handles;              /* of the case */
    DEVICE *Device;               /* NULL: the driver is not loaded, or is being unloaded */
    TASK *Task[WSKT_MAX_THREADS]; /* of named threads; NULL: nothing was started on it, or it was joined */
    TASK *Late;                   /* a request that is not back in time, and may be cancelled yet */
    UINT32 Lost;                  /* steps that did not come back */
    BOOL Unloaded;                /* by a step of the case, and not loaded since */
    HANDLE Cancel;                /* what is under way is to be ended; NULL: not even then */
    HANDLE Over;                  /* an event: the case is over. NULL: there is none yet */
    const wchar_t *Journal;       /* its path: beside it are the folders of cases */
    UINT32 Case;                  /* that is under way */
    UINT64 SinceMs;               /* how long it has been */
    CAPTURE Kept[OUTPUT_COUNT];   /* what the step wrote that is back */
} EXECUTOR;

/*
 * Executes a step of the agent, any that does not reboot the guest, within its TimeoutMs. AtStart is what
 * DriverEntry is to run where the step starts the driver (NULL: nothing), AtStartBytes its length.
 */
void Execute(EXECUTOR *Executor, const WSKP_STEP *Step, const WSKT_BATCH *AtStart, DWORD AtStartBytes,
             WSKT_RESULT *Result);

/*
 * Is a step that has timed out one of which nothing can be said but that it hangs? Neither a request to a
 * device is one nor its join, nor that of a program: both are ended with the case.
 */
BOOL ExecutorHangs(const EXECUTOR *Executor, const WSKT_STEP *Step);

/* At the end of a case: cancels the requests that are still out, waits for them, and closes every handle.
 * Bounded. */
void ExecutorTidy(EXECUTOR *Executor);

/* Ends the programs of the case that are still at work on threads, and waits for them. */
void ExecutorEndPrograms(EXECUTOR *Executor);

/* Steps that are still at work, or did not come back. */
UINT32 ExecutorBusy(const EXECUTOR *Executor);

/* Releases the tasks, whether they have come back or never will. */
void ExecutorForget(EXECUTOR *Executor);
