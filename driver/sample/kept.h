/*
 * kept.h - what steps of a case have reported, for later ones to take (WSKT_STEP.Keep and From).
 */
#pragma once

#include "sample.h"

VOID KeptInitialize(VOID);

/* Keeps what the step has reported, if it is one to be kept. IRQL <= DISPATCH_LEVEL. */
VOID KeptStore(const WSKT_STEP *Step, const WSKT_RESULT *Result);

/* Puts what earlier steps have reported into Step; FALSE where one of them is not known. IRQL <=
 * DISPATCH_LEVEL.
 */
BOOLEAN KeptTake(WSKT_STEP *Step);

/* As if no step had run. IRQL <= DISPATCH_LEVEL. */
VOID KeptForget(VOID);
