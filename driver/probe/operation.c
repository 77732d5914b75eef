/* operation.c - the operations: a row for each. */
#include "operation.h"
#include "acceptevent.h"
#include "capture.h"
#include "client.h"
#include "control.h"
#include "inflight.h"
#include "pending.h"
#include "provider.h"
#include "serverstep.h"
#include "socketcall.h"
#include "socketuse.h"
#include "thread.h"

static VOID SleepRun(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    UINT32 ms = (UINT32)Call->Step.Arg[0];

    if (ms > DeadlineLeft(Call->Deadline)) {
        Refuse(Result, STATUS_IO_TIMEOUT);
        return;
    }
    SleepMs(ms);
}

static const OPERATION SleepOperation = {SleepRun, MsCheck, LEVEL_PASSIVE};

/* Each is in the file that has its routine: nothing but the table below asks for one of them by name. */
extern const OPERATION RegisterOperation, DeregisterOperation, CaptureOperation, ReleaseOperation,
    QueryOperation, InspectOperation, CompareOperation, BlockedOperation, JoinOperation, MemoryOperation,
    ActivateOperation, DeactivateOperation, StateOperation, FaultOperation, CreateOperation,
    CreateConnectedOperation, BindOperation, ConnectOperation, AcceptOperation, SendOperation,
    ReceiveOperation, SendToOperation, ReceiveFromOperation, DisconnectOperation, CloseOperation,
    AddressOperation, ControlSocketOperation, ControlClientOperation, AwaitOperation, CancelOperation,
    EventsOperation, ProviderOperation, ProviderStateOperation;

static const OPERATION *const Operations[] = {
    [WSKT_OP_REGISTER] = &RegisterOperation,
    [WSKT_OP_DEREGISTER] = &DeregisterOperation,
    [WSKT_OP_CAPTURE] = &CaptureOperation,
    [WSKT_OP_RELEASE] = &ReleaseOperation,
    [WSKT_OP_QUERY] = &QueryOperation,
    [WSKT_OP_INSPECT] = &InspectOperation,
    [WSKT_OP_COMPARE] = &CompareOperation,
    [WSKT_OP_BLOCKED] = &BlockedOperation,
    [WSKT_OP_JOIN] = &JoinOperation,
    [WSKT_OP_SLEEP] = &SleepOperation,
    [WSKT_OP_MEMORY] = &MemoryOperation,
    [WSKT_OP_ACTIVATE] = &ActivateOperation,
    [WSKT_OP_DEACTIVATE] = &DeactivateOperation,
    [WSKT_OP_STATE] = &StateOperation,
    [WSKT_OP_FAULT] = &FaultOperation,
    [WSKT_OP_SOCKET] = &CreateOperation,
    [WSKT_OP_SOCKET_CONNECT] = &CreateConnectedOperation,
    [WSKT_OP_BIND] = &BindOperation,
    [WSKT_OP_CONNECT] = &ConnectOperation,
    [WSKT_OP_ACCEPT] = &AcceptOperation,
    [WSKT_OP_SEND] = &SendOperation,
    [WSKT_OP_RECEIVE] = &ReceiveOperation,
    [WSKT_OP_SEND_TO] = &SendToOperation,
    [WSKT_OP_RECEIVE_FROM] = &ReceiveFromOperation,
    [WSKT_OP_DISCONNECT] = &DisconnectOperation,
    [WSKT_OP_CLOSE] = &CloseOperation,
    [WSKT_OP_ADDRESS] = &AddressOperation,
    [WSKT_OP_CONTROL_SOCKET] = &ControlSocketOperation,
    [WSKT_OP_CONTROL_CLIENT] = &ControlClientOperation,
    [WSKT_OP_AWAIT] = &AwaitOperation,
    [WSKT_OP_CANCEL] = &CancelOperation,
    [WSKT_OP_EVENTS] = &EventsOperation,
    [WSKT_OP_PROVIDER] = &ProviderOperation,
    [WSKT_OP_PROVIDER_STATE] = &ProviderStateOperation,
};

/* At DISPATCH_LEVEL only what may be there. */
static BOOLEAN MayRunThere(const STEP_CALL *Call, LEVEL Level)
{
    return !AtDispatchLevel(Call) || Level == LEVEL_DISPATCH || (Level == LEVEL_WSK_PASSIVE && Misuse(Call));
}

NTSTATUS OperationCheck(const STEP_CALL *Call)
{
    const WSKT_STEP *step = &Call->Step;
    const OPERATION *operation;

    if (step->Op >= sizeof(Operations) / sizeof(Operations[0]) || Operations[step->Op] == NULL ||
        step->Context > WSKT_CONTEXT_DPC || step->Thread > WSKT_MAX_THREADS ||
        step->TimeoutMs > WSKT_MAX_WAIT_MS || step->ExpectCount > WSKT_MAX_EXPECT ||
        step->NextCount > step->ExpectCount || step->CheckCount > WSKT_MAX_CHECKS ||
        (step->Flags & ~(WSKT_STEP_RECORD | WSKT_STEP_MISUSE | WSKT_STEP_YIELD)) != 0) {
        return STATUS_INVALID_PARAMETER;
    }
    operation = Operations[step->Op];
    if (!MayRunThere(Call, operation->Level)) {
        return STATUS_INVALID_LEVEL;
    }
    return operation->Check != NULL ? operation->Check(Call) : STATUS_SUCCESS;
}

VOID OperationRun(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    UINT32 inflight = InflightBeginStep(Call);
    UINT64 start = ClockNs();

    Operations[Call->Step.Op]->Run(Call, Result);
    Result->ElapsedNs = ClockNs() - start;
    InflightEnd(inflight);
    Result->MaxNs = Result->ElapsedNs;
}
