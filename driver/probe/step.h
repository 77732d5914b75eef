/* step.h - one step of a batch, run where it asks to be run. */
#pragma once

#include "stepcall.h"

/*
 * Checks the step, runs it, and waits for it within its limits (a step with a Thread is only started). Fills
 * in all of Result.
 */
_IRQL_requires_max_(PASSIVE_LEVEL) VOID StepRun(const STEP_CALL *Call, WSKT_RESULT *Result);

/* The contexts other than the caller's own. */
_IRQL_requires_max_(PASSIVE_LEVEL) VOID ContextsInitialize(VOID);

/* Deferred procedure calls that have not run. */
_IRQL_requires_max_(HIGH_LEVEL) UINT32 ContextsBusy(VOID);

/* In Unload: no DPC of this image may be left. */
_IRQL_requires_max_(PASSIVE_LEVEL) VOID ContextsEnd(VOID);
