/* transfer.c - WskSend and WskReceive, WskSendTo and WskReceiveFrom. */
#include "stepcall.h"
#include "socketuse.h"

static PASSIVE_ROUTINE SendRun, ReceiveRun, SendToRun, ReceiveFromRun;
static OPERATION_CHECK TransferCheck, SendToCheck;

/* Bytes, and behind the first byte of the pattern the offset: both inside of the buffer. */
static NTSTATUS TransferCheck(const STEP_CALL *Call)
{
    const UINT64 *arg = Call->Step.Arg;

    return Sound(SocketBounds(Call) && IsSocket(Call, arg[0]) && arg[1] <= WSKT_SOCKET_BYTES &&
                 arg[2] >> 8 <= WSKT_SOCKET_BYTES - arg[1]);
}

static NTSTATUS SendToCheck(const STEP_CALL *Call)
{
    return IsSocket(Call, Call->Step.Arg[3]) ? TransferCheck(Call) : STATUS_INVALID_PARAMETER;
}

/* A call with a buffer, which has the pattern in it where it is to be sent. FALSE: the step is refused. */
static BOOLEAN BeginTransfer(SOCKET_USE *Use, const STEP_CALL *Call, UINT32 Kind, BOOLEAN Fill,
                             WSKT_RESULT *Result)
{
    const UINT64 *arg = Call->Step.Arg;
    ULONG offset = (ULONG)(arg[2] >> 8);
    NTSTATUS status;

    if (!SocketUseBegin(Use, Call, Kind, Result)) {
        return FALSE;
    }
    Use->Pending->Pattern = (UINT8)arg[2];
    status = PendingBuffer(Use->Pending, offset, (ULONG)arg[1]);
    if (!NT_SUCCESS(status)) {
        SocketUseAbandon(Use, status, Result);
        return FALSE;
    }
    for (UINT32 i = 0; Fill && i < arg[1]; i++) {
        Use->Pending->Data[offset + i] = (UINT8)(Use->Pending->Pattern + i);
    }
    return TRUE;
}

static VOID SendRun(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    const WSK_PROVIDER_CONNECTION_DISPATCH *dispatch;
    SOCKET_USE use;

    if (BeginTransfer(&use, Call, WSK_FLAG_CONNECTION_SOCKET, TRUE, Result)) {
        dispatch = use.Socket->Dispatch;
        SocketUseEnd(&use, dispatch->WskSend(use.Socket, &use.Pending->Buffer, 0, use.Pending->Irp), Result);
    }
}

static VOID ReceiveRun(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    const WSK_PROVIDER_CONNECTION_DISPATCH *dispatch;
    SOCKET_USE use;

    if (BeginTransfer(&use, Call, WSK_FLAG_CONNECTION_SOCKET, FALSE, Result)) {
        dispatch = use.Socket->Dispatch;
        SocketUseEnd(&use, dispatch->WskReceive(use.Socket, &use.Pending->Buffer, 0, use.Pending->Irp),
                     Result);
    }
}

static VOID SendToRun(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    const WSK_PROVIDER_DATAGRAM_DISPATCH *dispatch;
    SOCKET_USE use;

    if (!BeginTransfer(&use, Call, WSK_FLAG_DATAGRAM_SOCKET, TRUE, Result)) {
        return;
    }
    if (!AddressOf(SocketArg(Call, 3), &use.Pending->Remote)) {
        SocketUseAbandon(&use, STATUS_INVALID_DEVICE_STATE, Result);
        return;
    }
    dispatch = use.Socket->Dispatch;
    SocketUseEnd(&use,
                 dispatch->WskSendTo(use.Socket, &use.Pending->Buffer, 0, &use.Pending->Remote.Any, 0, NULL,
                                     use.Pending->Irp),
                 Result);
}

static VOID ReceiveFromRun(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    const WSK_PROVIDER_DATAGRAM_DISPATCH *dispatch;
    SOCKET_USE use;

    if (BeginTransfer(&use, Call, WSK_FLAG_DATAGRAM_SOCKET, FALSE, Result)) {
        dispatch = use.Socket->Dispatch;
        SocketUseEnd(&use,
                     dispatch->WskReceiveFrom(use.Socket, &use.Pending->Buffer, 0, &use.Pending->Remote.Any,
                                              NULL, NULL, NULL, use.Pending->Irp),
                     Result);
    }
}

const OPERATION SendOperation = {SendRun, TransferCheck, LEVEL_PASSIVE};
const OPERATION ReceiveOperation = {ReceiveRun, TransferCheck, LEVEL_PASSIVE};
const OPERATION SendToOperation = {SendToRun, SendToCheck, LEVEL_PASSIVE};
const OPERATION ReceiveFromOperation = {ReceiveFromRun, TransferCheck, LEVEL_PASSIVE};
