/* operation.c - the operations: a row for each. */
#include "operation.h"
#include "acceptevent.h"
#include "capture.h"
#include "client.h"
#include "control.h"
#include "fault.h"
#include "inflight.h"
#include "memoryusage.h"
#include "pending.h"
#include "provider.h"
#include "query.h"
#include "serverstep.h"
#include "socketcall.h"
#include "socketcreate.h"
#include "socketuse.h"
#include "thread.h"
#include "transfer.h"

/* Where an operation may run. */
typedef enum LEVEL {
    LEVEL_PASSIVE,
    LEVEL_WSK_PASSIVE, /* a WSK call for PASSIVE_LEVEL only: at DISPATCH_LEVEL it is misuse */
    LEVEL_DISPATCH,    /* at DISPATCH_LEVEL as well */
} LEVEL;

/* Arg[0] is milliseconds. */
static NTSTATUS MsCheck(const STEP_CALL *Call)
{
    return Sound(Call->Step.Arg[0] <= WSKT_MAX_WAIT_MS);
}

static VOID SleepRun(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    UINT32 ms = (UINT32)Call->Step.Arg[0];

    if (ms > DeadlineLeft(Call->Deadline)) {
        Refuse(Result, STATUS_IO_TIMEOUT);
        return;
    }
    SleepMs(ms);
}

static const struct OPERATION {
    OPERATION_ROUTINE *Run;
    OPERATION_CHECK *Check; /* NULL: it takes nothing */
    LEVEL Level;
} Operations[] = {
    [WSKT_OP_REGISTER] = {RegisterRun, RegisterCheck, LEVEL_WSK_PASSIVE},
    [WSKT_OP_DEREGISTER] = {DeregisterRun, ClientCheck, LEVEL_WSK_PASSIVE},
    [WSKT_OP_CAPTURE] = {CaptureRun, CaptureCheck, LEVEL_DISPATCH},
    [WSKT_OP_RELEASE] = {ReleaseRun, ReleaseCheck, LEVEL_DISPATCH},
    [WSKT_OP_QUERY] = {QueryRun, ClientCheck, LEVEL_DISPATCH},
    [WSKT_OP_INSPECT] = {InspectRun, ClientCheck, LEVEL_DISPATCH},
    [WSKT_OP_COMPARE] = {CompareRun, CompareCheck, LEVEL_DISPATCH},
    [WSKT_OP_BLOCKED] = {BlockedRun, ThreadCheck, LEVEL_PASSIVE},
    [WSKT_OP_JOIN] = {JoinRun, ThreadCheck, LEVEL_PASSIVE},
    [WSKT_OP_SLEEP] = {SleepRun, MsCheck, LEVEL_PASSIVE},
    [WSKT_OP_MEMORY] = {MemoryRun, MemoryCheck, LEVEL_PASSIVE},
    [WSKT_OP_ACTIVATE] = {ActivateRun, NULL, LEVEL_PASSIVE},
    [WSKT_OP_DEACTIVATE] = {DeactivateRun, NULL, LEVEL_PASSIVE},
    [WSKT_OP_STATE] = {StateRun, MsCheck, LEVEL_PASSIVE},
    [WSKT_OP_FAULT] = {DoFault, FaultCheck, LEVEL_DISPATCH},
    [WSKT_OP_SOCKET] = {CreateRun, CreateCheck, LEVEL_PASSIVE},
    [WSKT_OP_SOCKET_CONNECT] = {CreateConnectedRun, CreateConnectedCheck, LEVEL_PASSIVE},
    [WSKT_OP_BIND] = {BindRun, SocketCheck, LEVEL_PASSIVE},
    [WSKT_OP_CONNECT] = {ConnectRun, SocketPairCheck, LEVEL_PASSIVE},
    [WSKT_OP_ACCEPT] = {AcceptRun, SocketPairCheck, LEVEL_PASSIVE},
    [WSKT_OP_SEND] = {SendRun, TransferCheck, LEVEL_PASSIVE},
    [WSKT_OP_RECEIVE] = {ReceiveRun, TransferCheck, LEVEL_PASSIVE},
    [WSKT_OP_SEND_TO] = {SendToRun, SendToCheck, LEVEL_PASSIVE},
    [WSKT_OP_RECEIVE_FROM] = {ReceiveFromRun, TransferCheck, LEVEL_PASSIVE},
    [WSKT_OP_DISCONNECT] = {DisconnectRun, SocketCheck, LEVEL_PASSIVE},
    [WSKT_OP_CLOSE] = {CloseRun, SocketCheck, LEVEL_PASSIVE},
    [WSKT_OP_ADDRESS] = {AddressRun, SocketCheck, LEVEL_PASSIVE},
    [WSKT_OP_CONTROL_SOCKET] = {ControlSocketRun, SocketCheck, LEVEL_PASSIVE},
    [WSKT_OP_CONTROL_CLIENT] = {ControlClientRun, ControlClientCheck, LEVEL_PASSIVE},
    [WSKT_OP_AWAIT] = {AwaitRun, AwaitCheck, LEVEL_PASSIVE},
    [WSKT_OP_CANCEL] = {CancelRun, AwaitCheck, LEVEL_PASSIVE},
    [WSKT_OP_EVENTS] = {EventsRun, SocketCheck, LEVEL_PASSIVE},
    [WSKT_OP_PROVIDER] = {ProviderRun, ProviderCheck, LEVEL_PASSIVE},
    [WSKT_OP_PROVIDER_STATE] = {ProviderStateRun, NULL, LEVEL_PASSIVE},
};

/* At DISPATCH_LEVEL only what may be there. */
static BOOLEAN MayRunThere(const STEP_CALL *Call, LEVEL Level)
{
    return !AtDispatchLevel(Call) || Level == LEVEL_DISPATCH || (Level == LEVEL_WSK_PASSIVE && Misuse(Call));
}

NTSTATUS OperationCheck(const STEP_CALL *Call)
{
    const WSKT_STEP *step = &Call->Step;
    const struct OPERATION *operation;

    if (step->Op >= sizeof(Operations) / sizeof(Operations[0]) || Operations[step->Op].Run == NULL ||
        step->Context > WSKT_CONTEXT_DPC || step->Thread > WSKT_MAX_THREADS ||
        step->TimeoutMs > WSKT_MAX_WAIT_MS || step->ExpectCount > WSKT_MAX_EXPECT ||
        step->NextCount > step->ExpectCount || step->CheckCount > WSKT_MAX_CHECKS ||
        (step->Flags & ~(WSKT_STEP_RECORD | WSKT_STEP_MISUSE | WSKT_STEP_YIELD)) != 0) {
        return STATUS_INVALID_PARAMETER;
    }
    operation = &Operations[step->Op];
    if (!MayRunThere(Call, operation->Level)) {
        return STATUS_INVALID_LEVEL;
    }
    return operation->Check != NULL ? operation->Check(Call) : STATUS_SUCCESS;
}

VOID OperationRun(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    UINT32 inflight = InflightBeginStep(Call);
    UINT64 start = ClockNs();

    Operations[Call->Step.Op].Run(Call, Result);
    Result->ElapsedNs = ClockNs() - start;
    InflightEnd(inflight);
    Result->MaxNs = Result->ElapsedNs;
}
