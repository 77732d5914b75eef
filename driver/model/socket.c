/*
 * socket.c - making and closing sockets, their addresses, and the tables of their functions.
 *
 * Listening, connection and datagram sockets are sockets of user mode (winsock.h). Basic and stream
 * sockets can be made and closed, and nothing else.
 */
#include "call.h"

#define BACKLOG 128

static const WSK_PROVIDER_BASIC_DISPATCH BasicTable;
static const WSK_PROVIDER_LISTEN_DISPATCH ListenTable;
static const WSK_PROVIDER_DATAGRAM_DISPATCH DatagramTable;

_IRQL_requires_max_(DISPATCH_LEVEL) SOCKET *SocketMake(CLIENT *Client, ULONG Kind, const VOID *Table)
{
    SOCKET *socket = Model.NoSockets ? NULL : ModelAllocate(sizeof(*socket));
    KIRQL irql;

    if (socket == NULL) {
        return NULL;
    }
    socket->Public.Dispatch = Table;
    socket->Client = Client;
    socket->Kind = Kind;
    socket->Native = NO_NATIVE;
    KeAcquireSpinLock(&Model.Lock, &irql);
    ClientReference(Client);
    Client->Sockets++;
    Model.Counters.Sockets++;
    InsertTailList(&Model.Sockets, &socket->Link);
    KeReleaseSpinLock(&Model.Lock, irql);
    return socket;
}

/* The client's reference goes last: until the IRP is back, WskDeregister must not return. */
VOID SocketEnd(SOCKET *Socket, PIRP Irp, NTSTATUS Status)
{
    CLIENT *client = Socket->Client;
    KIRQL irql;

    if (Socket->Native != NO_NATIVE) {
        (VOID) Winsock()->Close(Socket->Native);
    }
    KeAcquireSpinLock(&Model.Lock, &irql);
    RemoveEntryList(&Socket->Link);
    client->Sockets--;
    Model.Counters.Sockets--;
    KeReleaseSpinLock(&Model.Lock, irql);
    ExFreePoolWithTag(Socket, MODEL_TAG);

    if (Irp != NULL) {
        IrpFinish(Irp, Status, 0);
    }

    KeAcquireSpinLock(&Model.Lock, &irql);
    ClientDereference(client);
    KeReleaseSpinLock(&Model.Lock, irql);
}

VOID SocketLeave(SOCKET *Socket)
{
    BOOLEAN end;
    KIRQL irql;

    KeAcquireSpinLock(&Model.Lock, &irql);
    end = --Socket->Calls == 0 && Socket->Closing;
    KeReleaseSpinLock(&Model.Lock, irql);
    if (end) {
        SocketEnd(Socket, Socket->Close, Socket->CloseStatus);
    }
}

/* Whether it is a socket that can be closed. Others may be freed: they are not looked at. */
_IRQL_requires_(DISPATCH_LEVEL) _Requires_lock_held_(Model.Lock) static BOOLEAN IsOpen(const SOCKET *Socket)
{
    for (PLIST_ENTRY link = Model.Sockets.Flink; link != &Model.Sockets; link = link->Flink) {
        if (CONTAINING_RECORD(link, SOCKET, Link) == Socket) {
            return !Socket->Closing;
        }
    }
    return FALSE;
}

_IRQL_requires_max_(DISPATCH_LEVEL) static NTSTATUS WSKAPI Close(PWSK_SOCKET Public, PIRP Irp)
{
    SOCKET *socket = SocketOf(Public);
    NATIVE native = NO_NATIVE;
    KIRQL irql;

    if (Irp == NULL) {
        return STATUS_INVALID_PARAMETER;
    }
    (VOID) IrpPend(Irp);
    KeAcquireSpinLock(&Model.Lock, &irql);
    if (!IsOpen(socket)) {
        Model.Counters.Mismatched++;
        KeReleaseSpinLock(&Model.Lock, irql);
        IrpFinish(Irp, STATUS_INVALID_HANDLE, 0); /* Windows would stop, sooner or later */
        return STATUS_PENDING;
    }
    socket->Closing = TRUE;
    socket->Close = Irp;
    socket->CloseStatus = STATUS_SUCCESS;
    socket->Calls++; /* this one */
    if (SeamCloseCancels(TRUE)) {
        native = socket->Native;
        socket->Native = NO_NATIVE;
    }
    KeReleaseSpinLock(&Model.Lock, irql);
    if (native != NO_NATIVE) {
        (VOID) Winsock()->Cancel((HANDLE)native, NULL);
        (VOID) Winsock()->Close(native);
    }
    SocketLeave(socket);
    return STATUS_PENDING;
}

_IRQL_requires_max_(HIGH_LEVEL) static const VOID *TableFor(ULONG Kind)
{
    switch (Kind) {
    case WSK_FLAG_LISTEN_SOCKET: return &ListenTable;
    case WSK_FLAG_CONNECTION_SOCKET: return &ConnectionTable;
    case WSK_FLAG_DATAGRAM_SOCKET: return &DatagramTable;
    case WSK_FLAG_BASIC_SOCKET:
    case WSK_FLAG_STREAM_SOCKET: return SeamBasic(&BasicTable);
    default: return NULL;
    }
}

/* A socket with a native one below it, where its kind has one. */
_IRQL_requires_max_(DISPATCH_LEVEL) static NTSTATUS
    Open(CLIENT *Client, ADDRESS_FAMILY Family, USHORT Type, ULONG Protocol, ULONG Kind, SOCKET **Socket)
{
    const VOID *table = TableFor(Kind);
    NTSTATUS status = STATUS_SUCCESS;
    SOCKET *socket;

    if (table == NULL) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Family != AF_INET && Family != AF_INET6) {
        return STATUS_NOT_SUPPORTED;
    }
    if (Winsock() == NULL) {
        return STATUS_DEVICE_NOT_READY;
    }
    socket = SocketMake(Client, Kind, table);
    if (socket == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    socket->Family = Family;
    socket->Type = Type;
    socket->Protocol = Protocol;
    if (table != &BasicTable) {
        status = WinsockSocket(Family, Type, Protocol, &socket->Native);
    }
    if (!NT_SUCCESS(status)) {
        SocketEnd(socket, NULL, status);
        return status;
    }
    *Socket = socket;
    return STATUS_SUCCESS;
}

NTSTATUS SocketCreate(CLIENT *Client, ADDRESS_FAMILY Family, USHORT Type, ULONG Protocol, ULONG Flags,
                      PVOID Context, const VOID *Dispatch, PIRP Irp)
{
    SOCKET *socket = NULL;
    NTSTATUS status = Open(Client, Family, Type, Protocol, Flags, &socket);

    if (!NT_SUCCESS(status)) {
        return IrpComplete(Irp, status, 0);
    }
    if (Flags == WSK_FLAG_LISTEN_SOCKET) {
        socket->Context = Context;
        socket->Callbacks = Dispatch;
        if (socket->Callbacks != NULL && socket->Callbacks->WskAcceptEvent != NULL) {
            socket->Events = Client->StaticEvents & WSK_EVENT_ACCEPT;
        }
    }
    (VOID) IrpComplete(Irp, STATUS_SUCCESS, (ULONG_PTR)&socket->Public);
    SeamCreated(Irp, Flags);
    return STATUS_SUCCESS;
}

NTSTATUS SocketCreateConnected(CLIENT *Client, USHORT Type, ULONG Protocol, PSOCKADDR Local, PSOCKADDR Remote,
                               PIRP Irp)
{
    SOCKET *socket = NULL;
    NTSTATUS status = Open(Client, Local->sa_family, Type, Protocol, WSK_FLAG_CONNECTION_SOCKET, &socket);

    if (!NT_SUCCESS(status)) {
        return IrpComplete(Irp, status, 0);
    }
    if (Winsock()->Bind(socket->Native, Local, WinsockAddressBytes(socket->Family)) != 0) {
        status = WinsockError();
        (VOID) IrpPend(Irp);
        SocketEnd(socket, Irp, status);
        return status;
    }
    socket->Bound = TRUE;
    status = ConnectStart(socket, CALL_CREATE, Remote, Irp);
    if (status != STATUS_PENDING) {
        SocketEnd(socket, NULL, status); /* there was no call, and the IRP has been completed */
    }
    return status;
}

_IRQL_requires_max_(DISPATCH_LEVEL) static NTSTATUS WSKAPI
    Bind(PWSK_SOCKET Public, PSOCKADDR Address, ULONG Flags, PIRP Irp)
{
    SOCKET *socket = SocketOf(Public);

    UNREFERENCED_PARAMETER(Flags);
    if (Irp == NULL) {
        return STATUS_INVALID_PARAMETER;
    }
    if (socket->Bound) {
        return IrpComplete(Irp, STATUS_INVALID_DEVICE_STATE, 0);
    }
    if (socket->Kind == WSK_FLAG_LISTEN_SOCKET && socket->Type != SOCK_STREAM) {
        return IrpComplete(Irp, SeamBindDatagram(STATUS_NOT_IMPLEMENTED), 0);
    }
    if (Winsock()->Bind(socket->Native, Address, WinsockAddressBytes(socket->Family)) != 0 ||
        (socket->Kind == WSK_FLAG_LISTEN_SOCKET && Winsock()->Listen(socket->Native, BACKLOG) != 0)) {
        return IrpComplete(Irp, WinsockError(), 0);
    }
    socket->Bound = TRUE;
    AcceptArm(socket);
    return IrpComplete(Irp, STATUS_SUCCESS, 0);
}

/* Has a native socket tell an address; Tell is NULL where the socket has none yet. */
_IRQL_requires_max_(DISPATCH_LEVEL) static NTSTATUS
    TellAddress(const SOCKET *Socket, TELL_ADDRESS Tell, PSOCKADDR Address, PIRP Irp)
{
    INT bytes = WinsockAddressBytes(Socket->Family);

    if (Irp == NULL || Address == NULL) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Tell == NULL) {
        return STATUS_INVALID_DEVICE_STATE;
    }
    return Tell(Socket->Native, Address, &bytes) == 0 ? STATUS_SUCCESS : WinsockError();
}

_IRQL_requires_max_(DISPATCH_LEVEL) static NTSTATUS WSKAPI
    LocalAddress(PWSK_SOCKET Public, PSOCKADDR Address, PIRP Irp)
{
    SOCKET *socket = SocketOf(Public);
    TELL_ADDRESS tell = SeamLocal(socket->Bound ? Winsock()->LocalAddress : NULL);

    return SeamLocalTold(Irp, TellAddress(socket, tell, Address, Irp));
}

_IRQL_requires_max_(DISPATCH_LEVEL) static NTSTATUS WSKAPI
    RemoteAddress(PWSK_SOCKET Public, PSOCKADDR Address, PIRP Irp)
{
    SOCKET *socket = SocketOf(Public);
    TELL_ADDRESS tell = SeamRemote(socket->Connected ? Winsock()->RemoteAddress : NULL);

    return IrpComplete(Irp, TellAddress(socket, tell, Address, Irp), 0);
}

/* Connections are never inspected, so there is nothing to decide. */
_IRQL_requires_max_(DISPATCH_LEVEL) static NTSTATUS WSKAPI
    InspectComplete(PWSK_SOCKET Public, PWSK_INSPECT_ID Id, WSK_INSPECT_ACTION Action, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Public);
    UNREFERENCED_PARAMETER(Id);
    UNREFERENCED_PARAMETER(Action);
    return IrpComplete(Irp, STATUS_INVALID_PARAMETER, 0);
}

/* Nothing is ever indicated, so nothing can be released. */
_IRQL_requires_max_(DISPATCH_LEVEL) static NTSTATUS WSKAPI
    ReleaseData(PWSK_SOCKET Public, struct _WSK_DATA_INDICATION *List)
{
    UNREFERENCED_PARAMETER(Public);
    UNREFERENCED_PARAMETER(List);
    return STATUS_INVALID_PARAMETER;
}

_IRQL_requires_max_(DISPATCH_LEVEL) static NTSTATUS WSKAPI
    ConnectEx(PWSK_SOCKET Public, PSOCKADDR Address, PWSK_BUF Buffer, ULONG Flags, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Public);
    UNREFERENCED_PARAMETER(Address);
    UNREFERENCED_PARAMETER(Buffer);
    UNREFERENCED_PARAMETER(Flags);
    return IrpComplete(Irp, STATUS_NOT_IMPLEMENTED, 0);
}

static const WSK_PROVIDER_BASIC_DISPATCH BasicTable = {ControlSocket, Close};

static const WSK_PROVIDER_LISTEN_DISPATCH ListenTable = {
    .Basic = {ControlSocket, Close},
    .WskBind = Bind,
    .WskAccept = AcceptNext,
    .WskInspectComplete = InspectComplete,
    .WskGetLocalAddress = LocalAddress,
};

const WSK_PROVIDER_CONNECTION_DISPATCH ConnectionTable = {
    .Basic = {ControlSocket, Close},
    .WskBind = Bind,
    .WskConnect = Connect,
    .WskGetLocalAddress = LocalAddress,
    .WskGetRemoteAddress = RemoteAddress,
    .WskSend = Send,
    .WskReceive = Receive,
    .WskDisconnect = Disconnect,
    .WskRelease = ReleaseData,
    .WskConnectEx = ConnectEx,
};

static const WSK_PROVIDER_DATAGRAM_DISPATCH DatagramTable = {
    .Basic = {ControlSocket, Close},
    .WskBind = Bind,
    .WskSendTo = SendTo,
    .WskReceiveFrom = ReceiveFrom,
    .WskRelease = ReleaseData,
    .WskGetLocalAddress = LocalAddress,
};
