/*
 * step.c - runs one step in the context that it asks for, and judges it.
 */
#include "step.h"
#include "client.h"
#include "provider.h"

VOID Refuse(WSKT_RESULT *Result, NTSTATUS Status)
{
    Result->Origin = WSKT_ORIGIN_REFUSED;
    Result->Status = (UINT32)Status;
}

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
        ThreadStart(Call, Result);
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
