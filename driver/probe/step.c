/* step.c - runs one step in the context that it asks for. */
#include "step.h"
#include "context.h"
#include "operation.h"
#include "provider.h"
#include "thread.h"

VOID StepRun(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    NTSTATUS status = OperationCheck(Call);

    RtlZeroMemory(Result, sizeof(*Result));
    Result->Origin = WSKT_ORIGIN_CALL;
    Result->Executed = 1;
    if (NT_SUCCESS(status)) {
        status = ProviderIsDefault();
    }
    if (!NT_SUCCESS(status)) {
        Refuse(Result, status);
        return;
    }
    if (Call->Step.Thread != 0) {
        ThreadStart(Call, StepRun, Result);
        return;
    }
    switch (Call->Step.Context) {
    case WSKT_CONTEXT_GUARD:
        RunGuarded(Call, Result);
        break;
    case WSKT_CONTEXT_SPIN:
        RunUnderSpinLock(Call, Result);
        break;
    case WSKT_CONTEXT_DPC:
        RunInDpc(Call, Result);
        break;
    default:
        OperationRun(Call, Result);
        break;
    }
}
