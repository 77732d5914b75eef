/* kept.h - what steps of a case have reported, for later ones to take (WSKT_STEP.Keep and From). */
#pragma once

#include "kernel.h"
#include "wskabi.h"

_IRQL_requires_max_(PASSIVE_LEVEL) VOID KeptInitialize(VOID);

/* Keeps what the step has reported, if it is one to be kept. */
_IRQL_requires_max_(DISPATCH_LEVEL) VOID KeptStore(const WSKT_STEP *Step, const WSKT_RESULT *Result);

/* Puts what earlier steps have reported into Step; FALSE where one of them is not known. */
_IRQL_requires_max_(DISPATCH_LEVEL) _Must_inspect_result_ BOOLEAN KeptTake(WSKT_STEP *Step);

/* As if no step had run. */
_IRQL_requires_max_(DISPATCH_LEVEL) VOID KeptForget(VOID);
