/*
 * operation.c - what each operation does, what its arguments may be, and where it may run.
 */
#include "activity.h"
#include "defects.h"
#include "step.h"
#include "client.h"
#include "component.h"
#include "endpoint.h"
#include "provider.h"

/* OPERATION.Flags */
#define TAKES_CLIENT  0x1u  /* Arg[0] is a client */
#define TAKES_CLIENTS 0x3u  /* so is Arg[1] */
#define TAKES_THREAD  0x4u  /* Arg[0] is the index of a named thread, Arg[1] milliseconds */
#define TAKES_MS      0x8u  /* Arg[0] is milliseconds */
#define AT_DISPATCH   0x10u /* allowed at DISPATCH_LEVEL */
#define WSK_PASSIVE   0x20u /* a WSK call for PASSIVE_LEVEL only: at DISPATCH_LEVEL it is misuse */
#define MISUSE_ONLY   0x40u
#define TAKES_SOCKET  0x80u /* arguments as WSKT_OP_SOCKET and those behind it have them */

typedef VOID OPERATION_ROUTINE(const STEP_CALL *Call, WSKT_RESULT *Result);

static BOOLEAN Misuse(const STEP_CALL *Call)
{
    return (Call->Step.Flags & WSKT_STEP_MISUSE) != 0;
}

static UINT32 ClientArg(const STEP_CALL *Call, UINT32 Arg)
{
    return (UINT32)Call->Step.Arg[Arg] + Call->Shift;
}

static VOID DoRegister(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    REGISTER_ARGS args;

    args.Version = (UINT16)Call->Step.Arg[1];
    args.Flags = (UINT32)Call->Step.Arg[2];
    args.Reserved = (UINT16)Call->Step.Arg[3];
    ClientRegister(ClientArg(Call, 0), &args, Misuse(Call), Result);
}

static VOID DoDeregister(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    ClientDeregister(ClientArg(Call, 0), Misuse(Call), Result);
}

static VOID DoCapture(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    ClientCapture(ClientArg(Call, 0), (UINT32)Call->Step.Arg[1], Misuse(Call), Result);
}

static VOID DoRelease(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    if (Call->Step.Arg[1] != 0) {
        ClientReleaseAfter(ClientArg(Call, 0), (UINT32)Call->Step.Arg[1], Result);
    } else {
        ClientRelease(ClientArg(Call, 0), Misuse(Call), Result);
    }
}

static VOID DoQuery(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    ClientQuery(ClientArg(Call, 0), Misuse(Call), Result);
}

static VOID DoInspect(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    ClientInspect(ClientArg(Call, 0), Result);
}

static VOID DoCompare(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    ClientCompare(ClientArg(Call, 0), ClientArg(Call, 1), Result);
}

static VOID DoBlocked(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    UINT32 ms = (UINT32)Call->Step.Arg[1];

    if (ms > DeadlineLeft(Call->Deadline)) {
        /* A shorter wait would claim more than it has seen. */
        Refuse(Result, STATUS_IO_TIMEOUT);
        return;
    }
    ThreadBlocked((UINT32)Call->Step.Arg[0], ms, Result);
}

static VOID DoJoin(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    UINT32 ms = (UINT32)Call->Step.Arg[1];
    UINT32 left = DeadlineLeft(Call->Deadline);

    ThreadJoin((UINT32)Call->Step.Arg[0], ms < left ? ms : left, Result);
}

static VOID DoSleep(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    UINT32 ms = (UINT32)Call->Step.Arg[0];

    if (ms > DeadlineLeft(Call->Deadline)) {
        Refuse(Result, STATUS_IO_TIMEOUT);
        return;
    }
    SleepMs(ms);
}

/* One mark for all callers: a case measures the whole machine, so two at once mean nothing anyway. */
static volatile LONG64 MemoryMark;

static VOID DoMemory(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    UINT64 bytes = 0;
    UINT64 mark;
    NTSTATUS status = GaugeRead(&bytes);

    if (!NT_SUCCESS(status)) {
        Refuse(Result, status);
        return;
    }
    if (Call->Step.Arg[0] != 0) {
        (VOID) InterlockedExchange64(&MemoryMark, (LONG64)bytes);
    }
    mark = (UINT64)MemoryMark;
    Result->Value[WSKT_V_MEMORY_BYTES] = bytes;
    Result->Value[WSKT_V_MEMORY_GROWTH] = bytes > mark ? bytes - mark : 0;
}

static VOID DoActivate(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    UNREFERENCED_PARAMETER(Call);
    ComponentActivate(COMPONENT_ON_DEMAND, Result);
}

static VOID DoDeactivate(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    UNREFERENCED_PARAMETER(Call);
    ComponentDeactivate(Result);
}

static VOID DoState(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    UINT32 ms = (UINT32)Call->Step.Arg[0];
    UINT32 left = DeadlineLeft(Call->Deadline);

    ComponentState(ms < left ? ms : left, Result);
}

/* May run at any IRQL up to DISPATCH_LEVEL, so it hangs there as drivers do: by spinning. */
static VOID Hang(UINT64 Ms, BOOLEAN Spin)
{
    UINT64 end = DeadlineIn((UINT32)Ms);

    if (!Spin) {
        SleepMs((UINT32)Ms);
    }
    while (ClockNs() < end) {
        YieldProcessor();
    }
}

static VOID DoFault(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    const UINT64 *arg = Call->Step.Arg;

    switch (arg[0]) {
    case WSKT_FAULT_WRITE:
        *(volatile UINT32 *)(ULONG_PTR)arg[1] = 0xDEADBEEF;
        break;
    case WSKT_FAULT_BUGCHECK:
        KeBugCheckEx((ULONG)arg[1], (ULONG_PTR)arg[2], (ULONG_PTR)arg[3], (ULONG_PTR)arg[4],
                     (ULONG_PTR)arg[5]);
        break;
    case WSKT_FAULT_HANG:
        Hang(DEFECT(OVERSTAYS) ? 60000 : arg[1],
             Call->Step.Context == WSKT_CONTEXT_SPIN || Call->Step.Context == WSKT_CONTEXT_DPC);
        break;
    default:
        Refuse(Result, STATUS_INVALID_PARAMETER);
        break;
    }
}

static UINT32 SocketArg(const STEP_CALL *Call, UINT32 Arg)
{
    return (UINT32)Call->Step.Arg[Arg] + Call->SocketShift;
}

static VOID DoSocket(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    const UINT64 *arg = Call->Step.Arg;
    UINT32 left = DeadlineLeft(Call->Deadline);
    SOCKET_STEP step = {.Op = Call->Step.Op, .Other = NO_SOCKET, .Options = (UINT32)arg[4]};

    step.WaitMs = arg[5] < left ? (UINT32)arg[5] : left;
    switch (Call->Step.Op) {
    case WSKT_OP_SOCKET:
        step.Client = ClientArg(Call, 0);
        step.Socket = SocketArg(Call, 1);
        step.Kind = (UINT32)arg[2] & 0xFF;
        if (arg[2] >> 8 != 0) {
            step.Other = (UINT32)(arg[2] >> 8) - 1 + Call->SocketShift;
        }
        step.Family = (UINT16)arg[3];
        step.Type = (UINT16)(arg[3] >> 16);
        step.Protocol = (UINT32)(arg[3] >> 32);
        break;
    case WSKT_OP_SOCKET_CONNECT:
        step.Client = ClientArg(Call, 0);
        step.Socket = SocketArg(Call, 1);
        step.Other = SocketArg(Call, 2);
        step.Kind = WSK_FLAG_CONNECTION_SOCKET;
        step.Family = AF_INET;
        break;
    case WSKT_OP_CONTROL_CLIENT:
        step.Client = ClientArg(Call, 0);
        step.Code = (UINT32)arg[1];
        step.Value = (UINT32)arg[2];
        break;
    case WSKT_OP_AWAIT:
    case WSKT_OP_CANCEL:
        step.Client = ClientArg(Call, 0);
        step.Socket = SocketArg(Call, 0);
        break;
    case WSKT_OP_CONNECT:
    case WSKT_OP_ACCEPT:
        step.Socket = SocketArg(Call, 0);
        step.Other = SocketArg(Call, 1);
        break;
    default:
        step.Socket = SocketArg(Call, 0);
        step.Code = (UINT32)arg[1];
        step.Value = (UINT32)arg[2];
        step.Other = SocketArg(Call, 3);
        break;
    }
    SocketRun(&step, Result);
}

static VOID DoProvider(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    ProviderSet(Call->Step.Arg, Result);
}

static VOID DoProviderState(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    UNREFERENCED_PARAMETER(Call);
    ProviderState(Result);
}

static const struct OPERATION {
    OPERATION_ROUTINE *Run;
    UINT32 Flags;
} Operations[] = {
    [WSKT_OP_REGISTER] = {DoRegister, TAKES_CLIENT | WSK_PASSIVE},
    [WSKT_OP_DEREGISTER] = {DoDeregister, TAKES_CLIENT | WSK_PASSIVE},
    [WSKT_OP_CAPTURE] = {DoCapture, TAKES_CLIENT | AT_DISPATCH},
    [WSKT_OP_RELEASE] = {DoRelease, TAKES_CLIENT | AT_DISPATCH},
    [WSKT_OP_QUERY] = {DoQuery, TAKES_CLIENT | AT_DISPATCH},
    [WSKT_OP_INSPECT] = {DoInspect, TAKES_CLIENT | AT_DISPATCH},
    [WSKT_OP_COMPARE] = {DoCompare, TAKES_CLIENTS | AT_DISPATCH},
    [WSKT_OP_BLOCKED] = {DoBlocked, TAKES_THREAD},
    [WSKT_OP_JOIN] = {DoJoin, TAKES_THREAD},
    [WSKT_OP_SLEEP] = {DoSleep, TAKES_MS},
    [WSKT_OP_MEMORY] = {DoMemory, 0},
    [WSKT_OP_ACTIVATE] = {DoActivate, 0},
    [WSKT_OP_DEACTIVATE] = {DoDeactivate, 0},
    [WSKT_OP_STATE] = {DoState, TAKES_MS},
    [WSKT_OP_FAULT] = {DoFault, MISUSE_ONLY | AT_DISPATCH},
    [WSKT_OP_SOCKET] = {DoSocket, TAKES_CLIENT | TAKES_SOCKET},
    [WSKT_OP_SOCKET_CONNECT] = {DoSocket, TAKES_CLIENT | TAKES_SOCKET},
    [WSKT_OP_BIND] = {DoSocket, TAKES_SOCKET},
    [WSKT_OP_CONNECT] = {DoSocket, TAKES_SOCKET},
    [WSKT_OP_ACCEPT] = {DoSocket, TAKES_SOCKET},
    [WSKT_OP_SEND] = {DoSocket, TAKES_SOCKET},
    [WSKT_OP_RECEIVE] = {DoSocket, TAKES_SOCKET},
    [WSKT_OP_SEND_TO] = {DoSocket, TAKES_SOCKET},
    [WSKT_OP_RECEIVE_FROM] = {DoSocket, TAKES_SOCKET},
    [WSKT_OP_DISCONNECT] = {DoSocket, TAKES_SOCKET},
    [WSKT_OP_CLOSE] = {DoSocket, TAKES_SOCKET},
    [WSKT_OP_ADDRESS] = {DoSocket, TAKES_SOCKET},
    [WSKT_OP_CONTROL_SOCKET] = {DoSocket, TAKES_SOCKET},
    [WSKT_OP_CONTROL_CLIENT] = {DoSocket, TAKES_CLIENT | TAKES_SOCKET},
    [WSKT_OP_AWAIT] = {DoSocket, TAKES_SOCKET},
    [WSKT_OP_CANCEL] = {DoSocket, TAKES_SOCKET},
    [WSKT_OP_EVENTS] = {DoSocket, TAKES_SOCKET},
    [WSKT_OP_PROVIDER] = {DoProvider, 0},
    [WSKT_OP_PROVIDER_STATE] = {DoProviderState, 0},
};

static BOOLEAN IsSocket(const STEP_CALL *Call, UINT64 Index)
{
    return Index < WSKT_MAX_SOCKETS && Index + Call->SocketShift < WSKT_MAX_SOCKETS;
}

static BOOLEAN IsClient(const STEP_CALL *Call, UINT64 Index)
{
    return Index < WSKT_MAX_CLIENTS && Index + Call->Shift < WSKT_MAX_CLIENTS;
}

static BOOLEAN IsKind(UINT64 Kind)
{
    return Kind <= WSK_FLAG_STREAM_SOCKET && (Kind & (Kind - 1)) == 0; /* at most one of the flags */
}

/* Bytes, and behind the first byte of the pattern the offset: both inside of the buffer. */
static BOOLEAN FitsBuffer(const UINT64 *Arg)
{
    return Arg[1] <= WSKT_SOCKET_BYTES && Arg[2] >> 8 <= WSKT_SOCKET_BYTES - Arg[1];
}

/* The arguments that differ from one operation on sockets to the other. */
static BOOLEAN CheckSocketArguments(const STEP_CALL *Call)
{
    const UINT64 *arg = Call->Step.Arg;

    switch (Call->Step.Op) {
    case WSKT_OP_SOCKET:
        return IsSocket(Call, arg[1]) && IsKind(arg[2] & 0xFF) &&
               (arg[2] >> 8 == 0 || IsSocket(Call, (arg[2] >> 8) - 1)) &&
               ((arg[4] & WSKT_SOCKET_EVENT_ACCEPT) == 0 || arg[2] >> 8 != 0);
    case WSKT_OP_SOCKET_CONNECT:
        return IsSocket(Call, arg[1]) && IsSocket(Call, arg[2]);
    case WSKT_OP_CONTROL_CLIENT:
        return arg[1] >= WSK_TRANSPORT_LIST_QUERY && arg[1] <= WSK_TDI_BEHAVIOR &&
               arg[1] != WSK_TDI_DEVICENAME_MAPPING &&
               (arg[1] == WSK_TRANSPORT_LIST_QUERY ? arg[2] <= WSKT_SOCKET_BYTES : arg[2] <= 0xFFFFFFFF);
    case WSKT_OP_AWAIT:
    case WSKT_OP_CANCEL:
        return (arg[4] & WSKT_SOCKET_CLIENT) != 0 ? IsClient(Call, arg[0]) : IsSocket(Call, arg[0]);
    case WSKT_OP_CONNECT:
    case WSKT_OP_ACCEPT:
        return IsSocket(Call, arg[0]) && IsSocket(Call, arg[1]);
    case WSKT_OP_SEND:
    case WSKT_OP_RECEIVE:
    case WSKT_OP_RECEIVE_FROM:
        return IsSocket(Call, arg[0]) && FitsBuffer(arg);
    case WSKT_OP_SEND_TO:
        return IsSocket(Call, arg[0]) && FitsBuffer(arg) && IsSocket(Call, arg[3]);
    default:
        return IsSocket(Call, arg[0]) && arg[1] <= 0xFFFFFFFF;
    }
}

static NTSTATUS CheckArguments(const STEP_CALL *Call, UINT32 Flags)
{
    const UINT64 *arg = Call->Step.Arg;
    BOOLEAN dispatch = Call->Step.Context == WSKT_CONTEXT_SPIN || Call->Step.Context == WSKT_CONTEXT_DPC;
    BOOLEAN good = TRUE;

    if ((Flags & TAKES_CLIENT) != 0) {
        good = IsClient(Call, arg[0]);
    }
    if ((Flags & TAKES_CLIENTS) == TAKES_CLIENTS) {
        good = good && IsClient(Call, arg[1]);
    }
    if ((Flags & TAKES_THREAD) != 0) {
        good = arg[0] < WSKT_MAX_THREADS && arg[1] <= WSKT_MAX_WAIT_MS;
    }
    if ((Flags & TAKES_MS) != 0) {
        good = arg[0] <= WSKT_MAX_WAIT_MS;
    }
    if ((Flags & TAKES_SOCKET) != 0) {
        good =
            good && arg[4] <= WSKT_SOCKET_OPTIONS && arg[5] <= WSKT_MAX_WAIT_MS && CheckSocketArguments(Call);
    }
    switch (Call->Step.Op) {
    case WSKT_OP_REGISTER:
        good = good && arg[1] <= 0xFFFF && arg[2] <= WSKT_REG_OPTIONS && arg[3] <= 0xFFFF;
        break;
    case WSKT_OP_RELEASE:
        good = good && arg[1] <= WSKT_MAX_WAIT_MS && (arg[1] == 0 || !dispatch);
        break;
    case WSKT_OP_CAPTURE:
        good = good && (arg[1] <= WSKT_MAX_WAIT_MS || arg[1] == WSK_INFINITE_WAIT);
        break;
    case WSKT_OP_MEMORY:
        good = arg[0] <= 1;
        break;
    case WSKT_OP_FAULT:
        good = arg[0] >= WSKT_FAULT_WRITE && arg[0] <= WSKT_FAULT_HANG &&
               (arg[0] != WSKT_FAULT_HANG || arg[1] <= WSKT_MAX_WAIT_MS);
        break;
    case WSKT_OP_PROVIDER:
        good = arg[0] <= WSKT_PROVIDER_AFTER && arg[1] <= WSKT_MAX_WAIT_MS && arg[2] <= arg[3] &&
               arg[3] <= 0xFFFF && arg[4] <= WSKT_PROVIDER_NOT_READY;
        break;
    default:
        break;
    }
    return good ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

NTSTATUS OperationCheck(const STEP_CALL *Call)
{
    const WSKT_STEP *step = &Call->Step;
    UINT32 flags;
    BOOLEAN dispatch = step->Context == WSKT_CONTEXT_SPIN || step->Context == WSKT_CONTEXT_DPC;

    if (step->Op >= sizeof(Operations) / sizeof(Operations[0]) || Operations[step->Op].Run == NULL ||
        step->Context > WSKT_CONTEXT_DPC || step->Thread > WSKT_MAX_THREADS ||
        step->TimeoutMs > WSKT_MAX_WAIT_MS || step->ExpectCount > WSKT_MAX_EXPECT ||
        step->NextCount > step->ExpectCount || step->CheckCount > WSKT_MAX_CHECKS ||
        (step->Flags & ~(WSKT_STEP_RECORD | WSKT_STEP_MISUSE | WSKT_STEP_YIELD)) != 0) {
        return STATUS_INVALID_PARAMETER;
    }
    flags = Operations[step->Op].Flags;
    if ((flags & MISUSE_ONLY) != 0 && !Misuse(Call)) {
        return STATUS_ACCESS_DENIED;
    }
    if (dispatch && (flags & AT_DISPATCH) == 0 && ((flags & WSK_PASSIVE) == 0 || !Misuse(Call))) {
        return STATUS_INVALID_LEVEL;
    }
    if (dispatch && step->Op == WSKT_OP_CAPTURE && step->Arg[1] != WSK_NO_WAIT && !Misuse(Call)) {
        return STATUS_INVALID_LEVEL; /* only a capture without a wait is allowed at DISPATCH_LEVEL */
    }
    return CheckArguments(Call, flags);
}

VOID OperationRun(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    UINT32 activity = ActivityBeginStep(Call);
    UINT64 start = ClockNs();

    Operations[Call->Step.Op].Run(Call, Result);
    Result->ElapsedNs = ClockNs() - start;
    ActivityEnd(activity);
    Result->MaxNs = Result->ElapsedNs;
}
