/*
 * transfer.c - connecting, disconnecting, and what goes over a connection or in a datagram.
 */
#include "call.h"

#define UPDATE_CONNECT_CONTEXT 0x7010 /* SO_UPDATE_CONNECT_CONTEXT */
#define LINGER                 0x0080 /* SO_LINGER */
#define NO_MORE_SENDS          1      /* SD_SEND */

NTSTATUS ConnectStart(SOCKET *Socket, CALL_KIND Kind, const SOCKADDR *Remote, PIRP Irp)
{
    NTSTATUS status;
    CALL *call = CallStart(Socket, Kind, Irp, &status);
    ULONG sent = 0;

    if (call == NULL) {
        return status;
    }
    status = Winsock()->Connect(Socket->Native, Remote, WinsockAddressBytes(Socket->Family), NULL, 0, &sent,
                                &call->Io)
                 ? STATUS_SUCCESS
                 : WinsockError();
    return CallStarted(call, status);
}

VOID ConnectCompleted(CALL *Call, NTSTATUS Status)
{
    SOCKET *socket = Call->Socket;
    BOOLEAN creation = Call->Kind == CALL_CREATE;

    if (NT_SUCCESS(Status)) {
        (VOID) Winsock()->SetOption(socket->Native, NATIVE_SOL_SOCKET, UPDATE_CONNECT_CONTEXT, NULL, 0);
        socket->Connected = TRUE;
        IrpFinish(Call->Irp, Status, creation ? (ULONG_PTR)&socket->Public : 0);
    } else if (creation) {
        /* Nobody has it, so nobody will close it: its IRP comes back when this call has ended. */
        KIRQL irql;

        KeAcquireSpinLock(&Model.Lock, &irql);
        socket->Closing = TRUE;
        socket->Close = Call->Irp;
        socket->CloseStatus = Status;
        KeReleaseSpinLock(&Model.Lock, irql);
    } else {
        IrpFinish(Call->Irp, Status, 0);
    }
}

NTSTATUS WSKAPI Connect(PWSK_SOCKET Public, PSOCKADDR Address, ULONG Flags, PIRP Irp)
{
    SOCKET *socket = SocketOf(Public);

    UNREFERENCED_PARAMETER(Flags);
    if (Irp == NULL) {
        return STATUS_INVALID_PARAMETER;
    }
    if (!SeamConnects(socket->Bound) || socket->Connected) {
        return IrpComplete(Irp, STATUS_INVALID_DEVICE_STATE, 0);
    }
    return ConnectStart(socket, CALL_CONNECT, Address, Irp);
}

/* A call with a buffer, on a socket that is in the state for it; else NULL. */
_IRQL_requires_max_(DISPATCH_LEVEL) static CALL *Begin(SOCKET *Socket, BOOLEAN Fit, CALL_KIND Kind,
                                                       const WSK_BUF *Buffer, PIRP Irp, NTSTATUS *Status)
{
    NTSTATUS status;
    CALL *call;

    if (Irp == NULL) {
        *Status = STATUS_INVALID_PARAMETER;
        return NULL;
    }
    if (!Fit || Buffer == NULL) {
        *Status = IrpComplete(Irp, Fit ? STATUS_INVALID_PARAMETER : STATUS_INVALID_DEVICE_STATE, 0);
        return NULL;
    }
    call = CallStart(Socket, Kind, Irp, Status);
    if (call == NULL) {
        return NULL;
    }
    status = CallBuffer(call, Buffer);
    if (!NT_SUCCESS(status)) {
        *Status = CallStarted(call, status);
        return NULL;
    }
    return call;
}

/* What a function of Winsock returned: 0 if it went well at once. */
_IRQL_requires_max_(DISPATCH_LEVEL) static NTSTATUS Outcome(INT Failed)
{
    return Failed == 0 ? STATUS_SUCCESS : WinsockError();
}

_IRQL_requires_max_(DISPATCH_LEVEL) static NTSTATUS
    SendAs(SOCKET *Socket, CALL_KIND Kind, const WSK_BUF *Buffer, PIRP Irp)
{
    NTSTATUS status;
    CALL *call = Begin(Socket, Socket->Connected, Kind, Buffer, Irp, &status);
    ULONG sent = 0;

    if (call == NULL) {
        return status;
    }
    status =
        Outcome(Winsock()->Send(Socket->Native, call->Pieces, call->PieceCount, &sent, 0, &call->Io, NULL));
    return CallStarted(call, status);
}

NTSTATUS WSKAPI Send(PWSK_SOCKET Public, PWSK_BUF Buffer, ULONG Flags, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Flags); /* advice on when to send */
    return SendAs(SocketOf(Public), CALL_PLAIN, Buffer, Irp);
}

NTSTATUS WSKAPI Receive(PWSK_SOCKET Public, PWSK_BUF Buffer, ULONG Flags, PIRP Irp)
{
    SOCKET *socket = SocketOf(Public);
    NTSTATUS status;
    WSK_BUF whole;
    ULONG received = 0;
    CALL *call;

    call = Begin(socket, socket->Connected, CALL_PLAIN, SeamBuffer(Buffer, &whole), Irp, &status);
    if (call == NULL) {
        return status;
    }
    call->Flags = (Flags & RECEIVE_WAIT_ALL) != 0 ? NATIVE_WAIT_ALL : 0;
    status = Outcome(Winsock()->Receive(socket->Native, call->Pieces, call->PieceCount, &received,
                                        &call->Flags, &call->Io, NULL));
    return CallStarted(call, status);
}

NTSTATUS DisconnectNow(SOCKET *Socket) { return Outcome(Winsock()->Shutdown(Socket->Native, NO_MORE_SENDS)); }

/*
 * Closes the native socket; what is pending on it is cancelled. With a reset on Windows; Wine ends the
 * connection in an orderly way first, so that the peer may see either.
 */
_IRQL_requires_max_(DISPATCH_LEVEL) static NTSTATUS Abort(SOCKET *Socket)
{
    const USHORT linger[2] = {1, 0}; /* LINGER: on, for no time at all */
    NATIVE native = Socket->Native;
    KIRQL irql;

    (VOID) Winsock()->SetOption(native, NATIVE_SOL_SOCKET, LINGER, linger, sizeof(linger));
    KeAcquireSpinLock(&Model.Lock, &irql);
    native = Socket->Native;
    Socket->Native = NO_NATIVE;
    Socket->Connected = FALSE;
    KeReleaseSpinLock(&Model.Lock, irql);
    if (native == NO_NATIVE) {
        return STATUS_INVALID_DEVICE_STATE;
    }
    (VOID) Winsock()->Cancel((HANDLE)native, NULL);
    return Outcome(Winsock()->Close(native));
}

NTSTATUS WSKAPI Disconnect(PWSK_SOCKET Public, PWSK_BUF Buffer, ULONG Flags, PIRP Irp)
{
    SOCKET *socket = SocketOf(Public);

    if (Irp == NULL) {
        return STATUS_INVALID_PARAMETER;
    }
    if (!socket->Connected) {
        return IrpComplete(Irp, STATUS_INVALID_DEVICE_STATE, 0);
    }
    if ((Flags & WSK_FLAG_ABORTIVE) != 0) {
        return IrpComplete(Irp, Buffer == NULL ? Abort(socket) : STATUS_INVALID_PARAMETER, 0);
    }
    if (Buffer != NULL && Buffer->Length != 0) {
        return SendAs(socket, CALL_FINISH, Buffer, Irp);
    }
    return SeamDisconnects(TRUE) ? IrpComplete(Irp, DisconnectNow(socket), 0) : IrpPend(Irp);
}

NTSTATUS WSKAPI SendTo(PWSK_SOCKET Public, PWSK_BUF Buffer, ULONG Flags, PSOCKADDR Remote,
                       ULONG ControlLength, PVOID Control, PIRP Irp)
{
    SOCKET *socket = SocketOf(Public);
    NTSTATUS status;
    CALL *call = Begin(socket, socket->Bound && Remote != NULL, CALL_PLAIN, Buffer, Irp, &status);
    ULONG sent = 0;

    UNREFERENCED_PARAMETER(Flags);
    UNREFERENCED_PARAMETER(ControlLength);
    UNREFERENCED_PARAMETER(Control);
    if (call == NULL) {
        return status;
    }
    status = Outcome(Winsock()->SendTo(socket->Native, call->Pieces, call->PieceCount, &sent, 0, Remote,
                                       WinsockAddressBytes(socket->Family), &call->Io, NULL));
    return CallStarted(call, status);
}

NTSTATUS WSKAPI ReceiveFrom(PWSK_SOCKET Public, PWSK_BUF Buffer, ULONG Flags, PSOCKADDR Remote,
                            PULONG ControlLength, PVOID Control, PULONG ControlFlags, PIRP Irp)
{
    SOCKET *socket = SocketOf(Public);
    NTSTATUS status;
    CALL *call = Begin(socket, socket->Bound, CALL_PLAIN, Buffer, Irp, &status);
    ULONG received = 0;

    UNREFERENCED_PARAMETER(Flags);
    UNREFERENCED_PARAMETER(Control);
    if (call == NULL) {
        return status;
    }
    if (ControlLength != NULL) {
        *ControlLength = 0; /* there is never any */
    }
    if (ControlFlags != NULL) {
        *ControlFlags = 0;
    }
    call->AddressBytes = WinsockAddressBytes(socket->Family);
    status = Outcome(Winsock()->ReceiveFrom(
        socket->Native, call->Pieces, call->PieceCount, &received, &call->Flags,
        Remote != NULL ? Remote : (PSOCKADDR)(PVOID)call->Addresses, &call->AddressBytes, &call->Io, NULL));
    return CallStarted(call, status);
}
