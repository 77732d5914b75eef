/*
 * socket.c - sockets that forward to the provider below, and count.
 *
 * Listening and connection sockets are real: bind, accept, connect, send, receive, disconnect and the
 * addresses go to the provider below with the client's own IRP, so that whatever it does is done to
 * that IRP: a close cancels what is pending there. Basic, datagram and stream sockets, which it does
 * not have, can be created and closed, and nothing else. Events of the client (accept, receive,
 * disconnect callbacks) are never indicated, and WskControlSocket is not implemented.
 *
 * A socket holds its client from the moment that its creation begins until its close has completed.
 * Creation, accept and close use an IRP of the model's own below the client's, because their results
 * have to be translated. What these calls return below says nothing that the inner IRP does not say: the
 * provider below completes it in every case in which the model calls it. A client must not close a socket
 * with a call on it in progress, so a SOCKET needs no count of its own.
 */
#include "model.h"

typedef struct SOCKET {
    WSK_SOCKET Public; /* first: what the client has is a pointer to it */
    CLIENT *Client;
    PWSK_SOCKET Lower; /* NULL: of a kind that the provider below lacks */
    PIRP Outer;        /* the client's, of a creation, an accept or a close in progress */
    PIRP Inner;        /* the model's own, below it */
} SOCKET;

static const WSK_PROVIDER_LISTEN_DISPATCH ListenTable;
static const WSK_PROVIDER_CONNECTION_DISPATCH ConnectionTable;
static const WSK_PROVIDER_BASIC_DISPATCH BasicTable;
static const WSK_PROVIDER_DATAGRAM_DISPATCH DatagramTable;

/* A socket that holds its client, or NULL. IRQL <= DISPATCH_LEVEL. */
static SOCKET *Make(CLIENT *Client, const VOID *Table, PIRP Outer)
{
    SOCKET *socket = ModelAllocate(sizeof(*socket));
    KIRQL irql;

    if (socket == NULL) {
        return NULL;
    }
    socket->Public.Dispatch = Table;
    socket->Client = Client;
    socket->Outer = Outer;
    socket->Inner = IoAllocateIrp(1, FALSE); /* kept for the close, which then can't lack one */
    if (socket->Inner == NULL) {
        ExFreePoolWithTag(socket, MODEL_TAG);
        return NULL;
    }
    KeAcquireSpinLock(&Model.Lock, &irql);
    ClientHold(Client);
    Client->Sockets++;
    Model.Counters.Sockets++;
    KeReleaseSpinLock(&Model.Lock, irql);
    return socket;
}

/*
 * Frees a socket and completes the client's IRP that its end belongs to. The hold goes last: until the
 * IRP is back, WskDeregister must not return. IRQL <= DISPATCH_LEVEL.
 */
static VOID End(SOCKET *Socket, PIRP Outer, NTSTATUS Status)
{
    CLIENT *client = Socket->Client;
    KIRQL irql;

    IoFreeIrp(Socket->Inner);
    ExFreePoolWithTag(Socket, MODEL_TAG);
    KeAcquireSpinLock(&Model.Lock, &irql);
    client->Sockets--;
    Model.Counters.Sockets--;
    KeReleaseSpinLock(&Model.Lock, irql);

    IrpFinish(Outer, Status, 0);

    KeAcquireSpinLock(&Model.Lock, &irql);
    ClientUnhold(client);
    KeReleaseSpinLock(&Model.Lock, irql);
}

/* The inner IRP, ready for a call below whose end is told to Routine. */
static PIRP PrepareInner(SOCKET *Socket, PIO_COMPLETION_ROUTINE Routine)
{
    IoReuseIrp(Socket->Inner, STATUS_UNSUCCESSFUL);
    IoSetCompletionRoutine(Socket->Inner, Routine, Socket, TRUE, TRUE, TRUE);
    return Socket->Inner;
}

/* A creation or an accept has ended: the client gets our socket for the one below. <= DISPATCH_LEVEL. */
static NTSTATUS NTAPI Created(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    SOCKET *socket = Context;
    PIRP outer = socket->Outer;
    NTSTATUS status = Irp->IoStatus.Status;

    UNREFERENCED_PARAMETER(Device);
    if (NT_SUCCESS(status)) {
        socket->Lower = (PWSK_SOCKET)Irp->IoStatus.Information;
        IrpFinish(outer, status, (ULONG_PTR)&socket->Public);
    } else {
        End(socket, outer, status);
    }
    return STATUS_MORE_PROCESSING_REQUIRED; /* the inner IRP is the socket's */
}

/* IRQL <= DISPATCH_LEVEL. */
static NTSTATUS NTAPI Closed(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    SOCKET *socket = Context;

    UNREFERENCED_PARAMETER(Device);
    End(socket, socket->Outer, Irp->IoStatus.Status);
    return STATUS_MORE_PROCESSING_REQUIRED;
}

static const VOID *TableFor(ULONG Flags)
{
    switch (Flags) {
    case WSK_FLAG_LISTEN_SOCKET:
        return &ListenTable;
    case WSK_FLAG_CONNECTION_SOCKET:
        return &ConnectionTable;
    case WSK_FLAG_DATAGRAM_SOCKET:
        return &DatagramTable;
    case WSK_FLAG_BASIC_SOCKET:
    case WSK_FLAG_STREAM_SOCKET:
        return &BasicTable;
    default:
        return NULL;
    }
}

NTSTATUS SocketCreate(CLIENT *Client, ADDRESS_FAMILY Family, USHORT Type, ULONG Protocol, ULONG Flags,
                      PVOID Context, const VOID *Dispatch, PEPROCESS Process, PETHREAD Thread,
                      PSECURITY_DESCRIPTOR SecurityDescriptor, PIRP Irp)
{
    const WSK_PROVIDER_NPI *lower = LowerNpi();
    BOOLEAN forward = Flags == WSK_FLAG_LISTEN_SOCKET || Flags == WSK_FLAG_CONNECTION_SOCKET;
    const VOID *table = TableFor(Flags);
    SOCKET *socket;

    UNREFERENCED_PARAMETER(Context); /* of callbacks, which the model does not make */
    UNREFERENCED_PARAMETER(Dispatch);
    if (table == NULL) {
        return IrpComplete(Irp, STATUS_INVALID_PARAMETER, 0);
    }
    if (Family != AF_INET && Family != AF_INET6) {
        return IrpComplete(Irp, STATUS_NOT_SUPPORTED, 0);
    }
    if (forward && lower->Dispatch == NULL) {
        return IrpComplete(Irp, STATUS_DEVICE_NOT_READY, 0);
    }
    socket = Make(Client, table, Irp);
    if (socket == NULL) {
        return IrpComplete(Irp, STATUS_INSUFFICIENT_RESOURCES, 0);
    }
    if (!forward) {
        return IrpComplete(Irp, STATUS_SUCCESS, (ULONG_PTR)&socket->Public);
    }
    (VOID) IrpPend(Irp);
    (VOID) lower->Dispatch->WskSocket(lower->Client, Family, Type, Protocol, Flags, NULL, NULL, Process,
                                      Thread, SecurityDescriptor, PrepareInner(socket, Created));
    return STATUS_PENDING;
}

/* IRQL <= DISPATCH_LEVEL. */
static NTSTATUS WSKAPI Close(PWSK_SOCKET Public, PIRP Irp)
{
    SOCKET *socket = CONTAINING_RECORD(Public, SOCKET, Public);
    const WSK_PROVIDER_BASIC_DISPATCH *lower;

    (VOID) IrpPend(Irp);
    if (socket->Lower == NULL) {
        End(socket, Irp, STATUS_SUCCESS);
        return STATUS_PENDING;
    }
    lower = socket->Lower->Dispatch;
    socket->Outer = Irp;
    (VOID) lower->WskCloseSocket(socket->Lower, PrepareInner(socket, Closed));
    return STATUS_PENDING;
}

/* IRQL <= DISPATCH_LEVEL. */
static NTSTATUS WSKAPI ControlSocket(PWSK_SOCKET Public, WSK_CONTROL_SOCKET_TYPE RequestType,
                                     ULONG ControlCode, ULONG Level, SIZE_T InputSize, PVOID InputBuffer,
                                     SIZE_T OutputSize, PVOID OutputBuffer, SIZE_T *OutputSizeReturned,
                                     PIRP Irp)
{
    UNREFERENCED_PARAMETER(Public);
    UNREFERENCED_PARAMETER(RequestType);
    UNREFERENCED_PARAMETER(ControlCode);
    UNREFERENCED_PARAMETER(Level);
    UNREFERENCED_PARAMETER(InputSize);
    UNREFERENCED_PARAMETER(InputBuffer);
    UNREFERENCED_PARAMETER(OutputSize);
    UNREFERENCED_PARAMETER(OutputBuffer);
    UNREFERENCED_PARAMETER(OutputSizeReturned);
    return IrpComplete(Irp, STATUS_NOT_IMPLEMENTED, 0);
}

/* The socket below, of a kind that the model forwards. */
static PWSK_SOCKET Below(PWSK_SOCKET Public)
{
    return CONTAINING_RECORD(Public, SOCKET, Public)->Lower;
}

static const WSK_PROVIDER_LISTEN_DISPATCH *Listening(PWSK_SOCKET Public)
{
    return Below(Public)->Dispatch;
}

static const WSK_PROVIDER_CONNECTION_DISPATCH *Connected(PWSK_SOCKET Public)
{
    return Below(Public)->Dispatch;
}

/* All that follow: IRQL <= DISPATCH_LEVEL. */

static NTSTATUS WSKAPI ListenBind(PWSK_SOCKET Public, PSOCKADDR Address, ULONG Flags, PIRP Irp)
{
    return Listening(Public)->WskBind(Below(Public), Address, Flags, Irp);
}

static NTSTATUS WSKAPI Accept(PWSK_SOCKET Public, ULONG Flags, PVOID AcceptedContext,
                              const WSK_CLIENT_CONNECTION_DISPATCH *AcceptedDispatch, PSOCKADDR Local,
                              PSOCKADDR Remote, PIRP Irp)
{
    SOCKET *listener = CONTAINING_RECORD(Public, SOCKET, Public);
    SOCKET *accepted = Make(listener->Client, &ConnectionTable, Irp);

    UNREFERENCED_PARAMETER(AcceptedContext);
    UNREFERENCED_PARAMETER(AcceptedDispatch);
    if (accepted == NULL) {
        return IrpComplete(Irp, STATUS_INSUFFICIENT_RESOURCES, 0);
    }
    (VOID) IrpPend(Irp);
    (VOID) Listening(Public)->WskAccept(listener->Lower, Flags, NULL, NULL, Local, Remote,
                                        PrepareInner(accepted, Created));
    return STATUS_PENDING;
}

static NTSTATUS WSKAPI InspectComplete(PWSK_SOCKET Public, PWSK_INSPECT_ID Id, WSK_INSPECT_ACTION Action,
                                       PIRP Irp)
{
    UNREFERENCED_PARAMETER(Public);
    UNREFERENCED_PARAMETER(Id);
    UNREFERENCED_PARAMETER(Action);
    return IrpComplete(Irp, STATUS_NOT_IMPLEMENTED, 0);
}

/* The provider below has no such call, so there is nothing to forward to. */
static NTSTATUS WSKAPI GetAddress(PWSK_SOCKET Public, PSOCKADDR Address, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Public);
    UNREFERENCED_PARAMETER(Address);
    return IrpComplete(Irp, STATUS_NOT_IMPLEMENTED, 0);
}

static NTSTATUS WSKAPI ConnectionBind(PWSK_SOCKET Public, PSOCKADDR Address, ULONG Flags, PIRP Irp)
{
    return Connected(Public)->WskBind(Below(Public), Address, Flags, Irp);
}

static NTSTATUS WSKAPI Connect(PWSK_SOCKET Public, PSOCKADDR Address, ULONG Flags, PIRP Irp)
{
    return Connected(Public)->WskConnect(Below(Public), Address, Flags, Irp);
}

static NTSTATUS WSKAPI Send(PWSK_SOCKET Public, PWSK_BUF Buffer, ULONG Flags, PIRP Irp)
{
    return Connected(Public)->WskSend(Below(Public), Buffer, Flags, Irp);
}

static NTSTATUS WSKAPI Receive(PWSK_SOCKET Public, PWSK_BUF Buffer, ULONG Flags, PIRP Irp)
{
    return Connected(Public)->WskReceive(Below(Public), Buffer, Flags, Irp);
}

static NTSTATUS WSKAPI Disconnect(PWSK_SOCKET Public, PWSK_BUF Buffer, ULONG Flags, PIRP Irp)
{
    return Connected(Public)->WskDisconnect(Below(Public), Buffer, Flags, Irp);
}

/* Nothing was ever indicated, so nothing can be released. */
static NTSTATUS WSKAPI ReleaseData(PWSK_SOCKET Public, struct _WSK_DATA_INDICATION *List)
{
    UNREFERENCED_PARAMETER(Public);
    UNREFERENCED_PARAMETER(List);
    return STATUS_INVALID_PARAMETER;
}

static NTSTATUS WSKAPI ConnectEx(PWSK_SOCKET Public, PSOCKADDR Address, PWSK_BUF Buffer, ULONG Flags,
                                 PIRP Irp)
{
    UNREFERENCED_PARAMETER(Public);
    UNREFERENCED_PARAMETER(Address);
    UNREFERENCED_PARAMETER(Buffer);
    UNREFERENCED_PARAMETER(Flags);
    return IrpComplete(Irp, STATUS_NOT_IMPLEMENTED, 0);
}

static NTSTATUS WSKAPI DatagramBind(PWSK_SOCKET Public, PSOCKADDR Address, ULONG Flags, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Public);
    UNREFERENCED_PARAMETER(Address);
    UNREFERENCED_PARAMETER(Flags);
    return IrpComplete(Irp, STATUS_NOT_IMPLEMENTED, 0);
}

static NTSTATUS WSKAPI SendTo(PWSK_SOCKET Public, PWSK_BUF Buffer, ULONG Flags, PSOCKADDR Remote,
                              ULONG ControlLength, PVOID Control, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Public);
    UNREFERENCED_PARAMETER(Buffer);
    UNREFERENCED_PARAMETER(Flags);
    UNREFERENCED_PARAMETER(Remote);
    UNREFERENCED_PARAMETER(ControlLength);
    UNREFERENCED_PARAMETER(Control);
    return IrpComplete(Irp, STATUS_NOT_IMPLEMENTED, 0);
}

static NTSTATUS WSKAPI ReceiveFrom(PWSK_SOCKET Public, PWSK_BUF Buffer, ULONG Flags, PSOCKADDR Remote,
                                   PULONG ControlLength, PVOID Control, PULONG ControlFlags, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Public);
    UNREFERENCED_PARAMETER(Buffer);
    UNREFERENCED_PARAMETER(Flags);
    UNREFERENCED_PARAMETER(Remote);
    UNREFERENCED_PARAMETER(ControlLength);
    UNREFERENCED_PARAMETER(Control);
    UNREFERENCED_PARAMETER(ControlFlags);
    return IrpComplete(Irp, STATUS_NOT_IMPLEMENTED, 0);
}

static const WSK_PROVIDER_BASIC_DISPATCH BasicTable = {ControlSocket, Close};

static const WSK_PROVIDER_LISTEN_DISPATCH ListenTable = {
    .Basic = {ControlSocket, Close},
    .WskBind = ListenBind,
    .WskAccept = Accept,
    .WskInspectComplete = InspectComplete,
    .WskGetLocalAddress = GetAddress,
};

static const WSK_PROVIDER_CONNECTION_DISPATCH ConnectionTable = {
    .Basic = {ControlSocket, Close},
    .WskBind = ConnectionBind,
    .WskConnect = Connect,
    .WskGetLocalAddress = GetAddress,
    .WskGetRemoteAddress = GetAddress,
    .WskSend = Send,
    .WskReceive = Receive,
    .WskDisconnect = Disconnect,
    .WskRelease = ReleaseData,
    .WskConnectEx = ConnectEx,
};

static const WSK_PROVIDER_DATAGRAM_DISPATCH DatagramTable = {
    .Basic = {ControlSocket, Close},
    .WskBind = DatagramBind,
    .WskSendTo = SendTo,
    .WskReceiveFrom = ReceiveFrom,
    .WskRelease = ReleaseData,
    .WskGetLocalAddress = GetAddress,
};
