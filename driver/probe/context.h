/* context.h - contexts other than the caller's own thread at PASSIVE_LEVEL. */
#pragma once

#include "stepcall.h"

_IRQL_requires_max_(PASSIVE_LEVEL) VOID ContextsInitialize(VOID);

/* On a worker; gives up waiting, not the work, when the step's time is up. */
_IRQL_requires_max_(PASSIVE_LEVEL) VOID RunGuarded(const STEP_CALL *Call, WSKT_RESULT *Result);

/* At DISPATCH_LEVEL under a spin lock. */
_IRQL_requires_max_(PASSIVE_LEVEL) VOID RunUnderSpinLock(const STEP_CALL *Call, WSKT_RESULT *Result);

/* At DISPATCH_LEVEL in a deferred procedure call. */
_IRQL_requires_max_(PASSIVE_LEVEL) VOID RunInDpc(const STEP_CALL *Call, WSKT_RESULT *Result);

/* Deferred procedure calls that have not run. */
_IRQL_requires_max_(HIGH_LEVEL) UINT32 ContextsBusy(VOID);

/* In Unload: no DPC of this image may be left. */
_IRQL_requires_max_(PASSIVE_LEVEL) VOID ContextsEnd(VOID);
