/*
 * accept.c - listening sockets: WskAccept, WskAcceptEvent, and the enabling of that.
 */
#include "call.h"

#define UPDATE_ACCEPT_CONTEXT 0x700B /* SO_UPDATE_ACCEPT_CONTEXT */

/* {2227E803-8D8B-11D4-ABAD-009027719E09} */
static const GUID WskInterface = {
    0x2227E803, 0x8D8B, 0x11D4, {0xAB, 0xAD, 0x00, 0x90, 0x27, 0x71, 0x9E, 0x09}};

/* Starts an accept. Without memory for the socket to come, the call ends at once. */
_IRQL_requires_max_(DISPATCH_LEVEL) static NTSTATUS Start(CALL *Call)
{
    SOCKET *listener = Call->Socket;
    SOCKET *accepted = SocketMake(listener->Client, WSK_FLAG_CONNECTION_SOCKET, &ConnectionTable);
    NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;

    if (accepted != NULL) {
        accepted->Family = listener->Family;
        accepted->Type = listener->Type;
        accepted->Protocol = listener->Protocol;
        Call->Accepted = accepted;
        status = WinsockSocket(listener->Family, listener->Type, listener->Protocol, &accepted->Native);
    }
    if (NT_SUCCESS(status)) {
        ULONG received = 0;

        status = Winsock()->Accept(listener->Native, accepted->Native, Call->Addresses, 0, ADDRESS_SPACE,
                                   ADDRESS_SPACE, &received, &Call->Io)
                     ? STATUS_SUCCESS
                     : WinsockError();
    }
    return CallStarted(Call, status);
}

/* Makes the native socket a connected one, and tells the addresses. */
_IRQL_requires_max_(DISPATCH_LEVEL) static NTSTATUS
    Settle(const CALL *Call, PSOCKADDR Local, PSOCKADDR Remote)
{
    SOCKET *accepted = Call->Accepted;
    INT bytes = WinsockAddressBytes(accepted->Family);

    if (Winsock()->SetOption(accepted->Native, NATIVE_SOL_SOCKET, UPDATE_ACCEPT_CONTEXT, &Call->Native,
                             sizeof(Call->Native)) != 0) {
        return WinsockError();
    }
    accepted->Bound = TRUE;
    accepted->Connected = TRUE;
    if (Local != NULL && Winsock()->LocalAddress(accepted->Native, Local, &bytes) != 0) {
        return WinsockError();
    }
    bytes = WinsockAddressBytes(accepted->Family);
    if (Remote != NULL && Winsock()->RemoteAddress(accepted->Native, Remote, &bytes) != 0) {
        return WinsockError();
    }
    return STATUS_SUCCESS;
}

_IRQL_requires_max_(DISPATCH_LEVEL) NTSTATUS WSKAPI
    AcceptNext(PWSK_SOCKET Public, ULONG Flags, PVOID AcceptedContext,
               const WSK_CLIENT_CONNECTION_DISPATCH *AcceptedDispatch, PSOCKADDR Local, PSOCKADDR Remote,
               PIRP Irp)
{
    SOCKET *listener = SocketOf(Public);
    NTSTATUS status;
    CALL *call;

    UNREFERENCED_PARAMETER(Flags);
    UNREFERENCED_PARAMETER(AcceptedContext); /* of events of a connection, which the model does not have */
    UNREFERENCED_PARAMETER(AcceptedDispatch);
    if (Irp == NULL) {
        return STATUS_INVALID_PARAMETER;
    }
    status = SeamAccept(listener->Bound ? STATUS_SUCCESS : STATUS_INVALID_DEVICE_STATE, listener->Client,
                        Local, Remote);
    if (!NT_SUCCESS(status)) {
        return IrpComplete(Irp, status, 0);
    }
    call = CallStart(listener, CALL_ACCEPT, Irp, &status);
    if (call == NULL) {
        return status;
    }
    call->Local = Local;
    call->Remote = Remote;
    return Start(call);
}

VOID AcceptCompleted(CALL *Call, NTSTATUS Status)
{
    if (NT_SUCCESS(Status)) {
        Status = Settle(Call, Call->Local, Call->Remote);
    }
    if (NT_SUCCESS(Status)) {
        IrpFinish(Call->Irp, Status, (ULONG_PTR)&Call->Accepted->Public);
    } else if (Call->Accepted != NULL) {
        SocketEnd(Call->Accepted, Call->Irp, Status);
    } else {
        IrpFinish(Call->Irp, Status, 0);
    }
}

VOID AcceptArm(SOCKET *Socket)
{
    NTSTATUS status;
    BOOLEAN arm;
    CALL *call;
    KIRQL irql;

    KeAcquireSpinLock(&Model.Lock, &irql);
    arm = (Socket->Events & WSK_EVENT_ACCEPT) != 0 && Socket->Bound && !Socket->Armed && !Socket->Closing;
    if (arm) {
        Socket->Armed = TRUE;
    }
    KeReleaseSpinLock(&Model.Lock, irql);
    if (!arm) {
        return;
    }
    call = CallStart(Socket, CALL_EVENT, NULL, &status);
    if (call != NULL) {
        (VOID) Start(call);
        return;
    }
    KeAcquireSpinLock(&Model.Lock, &irql);
    Socket->Armed = FALSE;
    KeReleaseSpinLock(&Model.Lock, irql);
}

/* Calls the client's callback, and ends a connection that it does not want. */
_IRQL_requires_max_(DISPATCH_LEVEL) static VOID Indicate(const CALL *Call)
{
    SOCKET *listener = Call->Socket;
    const WSK_CLIENT_CONNECTION_DISPATCH *dispatch = NULL;
    PVOID context = NULL;
    UINT8 addresses[2][ADDRESS_SPACE] = {{0}};
    PSOCKADDR local = (PSOCKADDR)(PVOID)addresses[0];
    PSOCKADDR remote = (PSOCKADDR)(PVOID)addresses[1];
    NTSTATUS status = Settle(Call, local, remote);

    if (NT_SUCCESS(status)) {
        status = listener->Callbacks->WskAcceptEvent(listener->Context, 0, local, remote,
                                                     &Call->Accepted->Public, &context, &dispatch);
    }
    if (SeamRejects(status != STATUS_SUCCESS)) {
        SocketEnd(Call->Accepted, NULL, status);
    }
}

VOID AcceptIndicate(CALL *Call, NTSTATUS Status)
{
    SOCKET *listener = Call->Socket;
    BOOLEAN indicate;
    PIRP disable;
    KIRQL irql;

    KeAcquireSpinLock(&Model.Lock, &irql);
    indicate =
        SeamIndicates(NT_SUCCESS(Status) && (listener->Events & WSK_EVENT_ACCEPT) != 0 && !listener->Closing);
    listener->Indicating = indicate;
    KeReleaseSpinLock(&Model.Lock, irql);

    if (indicate) {
        Indicate(Call);
    } else if (Call->Accepted != NULL) {
        SocketEnd(Call->Accepted, NULL, Status);
    }

    KeAcquireSpinLock(&Model.Lock, &irql);
    listener->Indicating = FALSE;
    listener->Armed = FALSE;
    disable = listener->Disable;
    listener->Disable = NULL;
    KeReleaseSpinLock(&Model.Lock, irql);
    if (disable != NULL) {
        IrpFinish(disable, STATUS_SUCCESS, 0);
    }
    if (indicate || Status == STATUS_CANCELLED) { /* cancelled by a disabling that was taken back */
        AcceptArm(listener);
    }
}

/* Only WskAcceptEvent can be enabled: other events the model does not have. */
_IRQL_requires_max_(DISPATCH_LEVEL) static NTSTATUS
    CheckEvents(const SOCKET *Socket, SIZE_T InputSize, const VOID *InputBuffer)
{
    const WSK_EVENT_CALLBACK_CONTROL *control = InputBuffer;

    if (InputSize < sizeof(*control) || control == NULL || control->NpiId == NULL ||
        RtlCompareMemory(control->NpiId, &WskInterface, sizeof(GUID)) != sizeof(GUID)) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Socket->Kind != WSK_FLAG_LISTEN_SOCKET) {
        return STATUS_NOT_SUPPORTED;
    }
    if ((control->EventMask & ~WSK_EVENT_DISABLE) != WSK_EVENT_ACCEPT || Socket->Callbacks == NULL ||
        Socket->Callbacks->WskAcceptEvent == NULL) {
        return STATUS_INVALID_PARAMETER;
    }
    return STATUS_SUCCESS;
}

/* STATUS_EVENT_PENDING while the callback runs: then Irp is taken, unless it is NULL. */
_IRQL_requires_max_(DISPATCH_LEVEL) static NTSTATUS DisableEvents(SOCKET *Socket, PIRP Irp)
{
    BOOLEAN running;
    BOOLEAN armed;
    KIRQL irql;

    KeAcquireSpinLock(&Model.Lock, &irql);
    Socket->Events = 0;
    running = Socket->Indicating;
    armed = Socket->Armed && !running;
    if (running && Irp != NULL) {
        (VOID) IrpPend(Irp);
        Socket->Disable = Irp;
    }
    KeReleaseSpinLock(&Model.Lock, irql);
    if (armed) {
        (VOID) Winsock()->Cancel((HANDLE)Socket->Native, NULL);
    }
    return running ? SeamDisable(STATUS_EVENT_PENDING) : STATUS_SUCCESS;
}

/* The IRP may be NULL for events. Of the options there are the events alone. */
_IRQL_requires_max_(DISPATCH_LEVEL) NTSTATUS WSKAPI
    ControlSocket(PWSK_SOCKET Public, WSK_CONTROL_SOCKET_TYPE RequestType, ULONG ControlCode, ULONG Level,
                  SIZE_T InputSize, PVOID InputBuffer, SIZE_T OutputSize, PVOID OutputBuffer,
                  SIZE_T *OutputSizeReturned, PIRP Irp)
{
    const WSK_EVENT_CALLBACK_CONTROL *control = InputBuffer;
    SOCKET *socket = SocketOf(Public);
    NTSTATUS status;
    KIRQL irql;

    UNREFERENCED_PARAMETER(OutputSize);
    UNREFERENCED_PARAMETER(OutputBuffer);
    UNREFERENCED_PARAMETER(OutputSizeReturned);
    if (RequestType != WskSetOption || ControlCode != SO_WSK_EVENT_CALLBACK || Level != NATIVE_SOL_SOCKET) {
        return IrpComplete(Irp, STATUS_NOT_IMPLEMENTED, 0);
    }
    status = CheckEvents(socket, InputSize, InputBuffer);
    if (!NT_SUCCESS(status)) {
        return IrpComplete(Irp, status, 0);
    }
    if ((control->EventMask & WSK_EVENT_DISABLE) != 0) {
        status = DisableEvents(socket, Irp);
        if (status == STATUS_EVENT_PENDING) {
            return Irp != NULL ? STATUS_PENDING : status;
        }
        return IrpComplete(Irp, status, 0);
    }
    KeAcquireSpinLock(&Model.Lock, &irql);
    socket->Events = control->EventMask;
    KeReleaseSpinLock(&Model.Lock, irql);
    AcceptArm(socket);
    return IrpComplete(Irp, STATUS_SUCCESS, 0);
}
