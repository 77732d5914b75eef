/* step.h - one step of a batch, run where it asks to be run. */
#pragma once

#include "stepcall.h"

/*
 * Checks the step, runs it, and waits for it within its limits (a step with a Thread is only started). Fills
 * in all of Result.
 */
_IRQL_requires_max_(PASSIVE_LEVEL) VOID StepRun(const STEP_CALL *Call, WSKT_RESULT *Result);
