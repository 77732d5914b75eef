/* thread.h - named kernel threads. */
#pragma once

#include "stepcall.h"

_IRQL_requires_max_(PASSIVE_LEVEL) VOID ThreadsInitialize(VOID);

/* Starts Run for the step, on the thread that the step names, and returns. */
_IRQL_requires_max_(PASSIVE_LEVEL) VOID
    ThreadStart(const STEP_CALL *Call, PASSIVE_ROUTINE *Run, WSKT_RESULT *Result);

_IRQL_requires_max_(HIGH_LEVEL) UINT32 ThreadsBusy(VOID);

/* Threads whose operation has returned become as if never used. */
_IRQL_requires_max_(DISPATCH_LEVEL) VOID ThreadsForget(VOID);

/* In Unload. */
_IRQL_requires_max_(PASSIVE_LEVEL) VOID ThreadsEnd(VOID);
