/* operation.h - what each operation does, and where it may run. */
#pragma once

#include "stepcall.h"

/* STATUS_SUCCESS if the step can be run as it stands. */
_IRQL_requires_max_(PASSIVE_LEVEL) _Must_inspect_result_ NTSTATUS OperationCheck(const STEP_CALL *Call);

/* Does what the step says, here and now, at the IRQL of its context, and times it. */
_IRQL_requires_max_(DISPATCH_LEVEL) VOID OperationRun(const STEP_CALL *Call, WSKT_RESULT *Result);
