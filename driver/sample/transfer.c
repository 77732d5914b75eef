/*
 * transfer.c - the calls on named sockets, one function each.
 */
#include "client.h"
#include "endpoint.h"

/* Ports that nobody else is likely to have, since not every provider can say which one it chose. */
#define FIRST_PORT    49152u
#define PORTS         16384u
#define BIND_ATTEMPTS 16u

/* All three say that somebody else has the port: Windows' transport, Windows' AFD and Wine's netio. */
static BOOLEAN IsTaken(NTSTATUS Status)
{
    switch ((UINT32)Status) {
    case 0xC000020A: /* STATUS_ADDRESS_ALREADY_EXISTS */
    case 0xC0000043: /* STATUS_SHARING_VIOLATION */
    case 0xC0000238: /* STATUS_ADDRESS_ALREADY_ASSOCIATED */
        return TRUE;
    default:
        return FALSE;
    }
}

static volatile LONG NextPort;

static UINT32 WaitOf(const SOCKET_STEP *Step)
{
    return (Step->Options & WSKT_SOCKET_PENDING) != 0 ? 0 : Step->WaitMs;
}

static BOOLEAN WithIrp(const SOCKET_STEP *Step)
{
    return (Step->Options & WSKT_SOCKET_NULL_IRP) == 0;
}

VOID EndpointLoopback(ADDRESS *Address, UINT16 Family, UINT16 Port)
{
    RtlZeroMemory(Address, sizeof(*Address));
    Address->V4.sin_family = Family;
    Address->V4.sin_port = (UINT16)(Port << 8 | Port >> 8);
    if (Family == AF_INET) {
        Address->V4.sin_addr.S_un.S_un_b.s_b1 = 127;
        Address->V4.sin_addr.S_un.S_un_b.s_b4 = 1;
    } else {
        Address->Bytes[8 + 15] = 1; /* SOCKADDR_IN6.sin6_addr is at 8: ::1 */
    }
}

/* The loopback address of another named socket. FALSE if that was never bound. */
static BOOLEAN AddressOf(UINT32 Index, ADDRESS *Address)
{
    const ENDPOINT *endpoint = EndpointAt(Index);

    EndpointLoopback(Address, endpoint->Family, endpoint->Port);
    return endpoint->Port != 0;
}

/* The socket may be used as soon as its IRP completes, so its callbacks are settled before the call. */
static VOID PrepareEvents(const SOCKET_STEP *Step)
{
    ENDPOINT *endpoint = EndpointAt(Step->Socket);

    endpoint->EventOptions =
        Step->Options & (WSKT_SOCKET_EVENT_ACCEPT | WSKT_SOCKET_EVENT_REJECT | WSKT_SOCKET_EVENT_DISABLE);
    endpoint->EventSocket = Step->Other;
}

/* WskSocket and WskSocketConnect. */
static VOID Create(const SOCKET_STEP *Step, WSKT_RESULT *Result)
{
    BOOLEAN connect = Step->Op == WSKT_OP_SOCKET_CONNECT;
    BOOLEAN anonymous = (Step->Options & WSKT_SOCKET_NULL_CLIENT) != 0;
    WSK_PROVIDER_NPI npi;
    PENDING *pending = NULL;
    PVOID context = NULL;
    const VOID *dispatch = NULL;
    NTSTATUS status;

    if (!EndpointReserve(Step->Socket, Step->Kind, Step->Family)) {
        Refuse(Result, STATUS_OBJECT_NAME_COLLISION);
        return;
    }
    if (!ClientEnterNpi(Step->Client, &npi)) {
        EndpointOpened(Step->Socket, NULL);
        Refuse(Result, STATUS_INVALID_DEVICE_STATE);
        return;
    }
    pending = PendingCreate(Step->Op, Step->Socket, Step->Socket, WithIrp(Step));
    if (pending == NULL || (connect && !AddressOf(Step->Other, &pending->Remote))) {
        if (pending != NULL) {
            PendingDestroy(pending);
        }
        ClientLeaveNpi(Step->Client);
        EndpointOpened(Step->Socket, NULL);
        Refuse(Result, pending == NULL ? STATUS_INSUFFICIENT_RESOURCES : STATUS_INVALID_DEVICE_STATE);
        return;
    }
    if (connect) {
        EndpointLoopback(&pending->Address, EndpointAt(Step->Other)->Family, 0);
        status = npi.Dispatch->WskSocketConnect(npi.Client, SOCK_STREAM, IPPROTO_TCP, &pending->Address.Any,
                                                &pending->Remote.Any, 0, NULL, NULL, NULL, NULL, NULL,
                                                pending->Irp);
    } else {
        PrepareEvents(Step);
        if (EndpointAt(Step->Socket)->EventOptions != 0) {
            context = EndpointAt(Step->Socket);
            dispatch = &EndpointListenDispatch;
        }
        status =
            npi.Dispatch->WskSocket(anonymous ? NULL : npi.Client, Step->Family, Step->Type, Step->Protocol,
                                    Step->Kind, context, dispatch, NULL, NULL, NULL, pending->Irp);
    }
    ClientLeaveNpi(Step->Client);
    PendingSettle(pending, status, anonymous ? 0 : WaitOf(Step), anonymous, Result);
}

/* What a call on a socket needs; NULL, with the step refused, if it can't be made. */
static PENDING *BeginTransfer(const SOCKET_STEP *Step, UINT32 Target, PWSK_SOCKET *Socket,
                              WSKT_RESULT *Result)
{
    BOOLEAN closing = Step->Op == WSKT_OP_CLOSE;
    PENDING *pending;

    *Socket = closing ? EndpointEnterClose(Step->Socket) : EndpointEnter(Step->Socket, Step->Kind);
    if (*Socket == NULL) {
        Refuse(Result, STATUS_INVALID_DEVICE_STATE);
        return NULL;
    }
    pending = PendingCreate(Step->Op, Step->Socket, Target, WithIrp(Step));
    if (pending == NULL) {
        EndpointLeave(Step->Socket);
        if (closing) {
            EndpointOpened(Step->Socket, *Socket); /* as it was */
        }
        Refuse(Result, STATUS_INSUFFICIENT_RESOURCES);
    }
    return pending;
}

static VOID End(const SOCKET_STEP *Step, PENDING *Pending, NTSTATUS Returned, WSKT_RESULT *Result)
{
    EndpointLeave(Step->Socket);
    PendingSettle(Pending, Returned, WaitOf(Step), FALSE, Result);
}

/* Undoes Begin: the call was not made. */
static VOID Abandon(const SOCKET_STEP *Step, PENDING *Pending, NTSTATUS Status, WSKT_RESULT *Result)
{
    EndpointLeave(Step->Socket);
    PendingDestroy(Pending);
    Refuse(Result, Status);
}

static NTSTATUS BindTo(PWSK_SOCKET Socket, UINT32 Kind, PENDING *Pending)
{
    switch (Kind) {
    case WSK_FLAG_LISTEN_SOCKET:
        return ((const WSK_PROVIDER_LISTEN_DISPATCH *)Socket->Dispatch)
            ->WskBind(Socket, &Pending->Address.Any, 0, Pending->Irp);
    case WSK_FLAG_CONNECTION_SOCKET:
        return ((const WSK_PROVIDER_CONNECTION_DISPATCH *)Socket->Dispatch)
            ->WskBind(Socket, &Pending->Address.Any, 0, Pending->Irp);
    default:
        return ((const WSK_PROVIDER_DATAGRAM_DISPATCH *)Socket->Dispatch)
            ->WskBind(Socket, &Pending->Address.Any, 0, Pending->Irp);
    }
}

static VOID BindOnce(const SOCKET_STEP *Step, UINT16 Port, WSKT_RESULT *Result)
{
    ENDPOINT *endpoint = EndpointAt(Step->Socket);
    PWSK_SOCKET socket;
    PENDING *pending = BeginTransfer(Step, NO_SOCKET, &socket, Result);

    if (pending != NULL) {
        EndpointLoopback(&pending->Address, endpoint->Family, Port);
        endpoint->Port = Port;
        End(Step, pending, BindTo(socket, Step->Kind, pending), Result);
    }
}

/* To the loopback address, and where others have to find the socket, to a port that is known. */
static VOID Bind(const SOCKET_STEP *Step, WSKT_RESULT *Result)
{
    UINT32 kind = Step->Kind;

    if (kind == WSK_FLAG_BASIC_SOCKET || kind == WSK_FLAG_STREAM_SOCKET) {
        Refuse(Result, STATUS_NOT_SUPPORTED);
        return;
    }
    if (kind == WSK_FLAG_CONNECTION_SOCKET) {
        BindOnce(Step, 0, Result);
        return;
    }
    for (UINT32 i = 0; i < BIND_ATTEMPTS; i++) {
        UINT32 offset = (UINT32)(ClockNs() / 1000) + (UINT32)InterlockedIncrement(&NextPort);

        RtlZeroMemory(Result->Value, sizeof(Result->Value));
        BindOnce(Step, (UINT16)(FIRST_PORT + offset % PORTS), Result);
        if (!IsTaken((NTSTATUS)Result->Status)) {
            break;
        }
    }
    Result->Value[WSKT_V_SOCKET_PORT] = EndpointAt(Step->Socket)->Port;
}

static VOID Connect(const SOCKET_STEP *Step, WSKT_RESULT *Result)
{
    PWSK_SOCKET socket;
    PENDING *pending = BeginTransfer(Step, NO_SOCKET, &socket, Result);

    if (pending == NULL) {
        return;
    }
    if (!AddressOf(Step->Other, &pending->Remote)) {
        Abandon(Step, pending, STATUS_INVALID_DEVICE_STATE, Result);
        return;
    }
    End(Step, pending,
        ((const WSK_PROVIDER_CONNECTION_DISPATCH *)socket->Dispatch)
            ->WskConnect(socket, &pending->Remote.Any, 0, pending->Irp),
        Result);
}

static VOID Accept(const SOCKET_STEP *Step, WSKT_RESULT *Result)
{
    BOOLEAN tell = (Step->Options & WSKT_SOCKET_NO_ADDRESSES) == 0;
    PWSK_SOCKET socket;
    PENDING *pending;

    if (!EndpointReserve(Step->Other, WSK_FLAG_CONNECTION_SOCKET, EndpointAt(Step->Socket)->Family)) {
        Refuse(Result, STATUS_OBJECT_NAME_COLLISION);
        return;
    }
    pending = BeginTransfer(Step, Step->Other, &socket, Result);
    if (pending == NULL) {
        EndpointOpened(Step->Other, NULL);
        return;
    }
    End(Step, pending,
        ((const WSK_PROVIDER_LISTEN_DISPATCH *)socket->Dispatch)
            ->WskAccept(socket, 0, NULL, NULL, tell ? &pending->Address.Any : NULL,
                        tell ? &pending->Remote.Any : NULL, pending->Irp),
        Result);
}

/* WskSend and WskReceive, WskSendTo and WskReceiveFrom. */
static VOID Transfer(const SOCKET_STEP *Step, WSKT_RESULT *Result)
{
    PWSK_SOCKET socket;
    PENDING *pending = BeginTransfer(Step, NO_SOCKET, &socket, Result);
    const WSK_PROVIDER_CONNECTION_DISPATCH *connection;
    const WSK_PROVIDER_DATAGRAM_DISPATCH *datagram;
    NTSTATUS status;

    if (pending == NULL) {
        return;
    }
    pending->Pattern = (UINT8)Step->Value;
    status = PendingBuffer(pending, Step->Value >> 8, Step->Code);
    if (NT_SUCCESS(status) && Step->Op == WSKT_OP_SEND_TO && !AddressOf(Step->Other, &pending->Remote)) {
        status = STATUS_INVALID_DEVICE_STATE;
    }
    if (!NT_SUCCESS(status)) {
        Abandon(Step, pending, status, Result);
        return;
    }
    if (Step->Op == WSKT_OP_SEND || Step->Op == WSKT_OP_SEND_TO) {
        for (UINT32 i = 0; i < Step->Code; i++) {
            pending->Data[pending->Buffer.Offset + i] = (UINT8)(pending->Pattern + i);
        }
    }
    connection = socket->Dispatch;
    datagram = socket->Dispatch;
    switch (Step->Op) {
    case WSKT_OP_SEND:
        status = connection->WskSend(socket, &pending->Buffer, 0, pending->Irp);
        break;
    case WSKT_OP_RECEIVE:
        status = connection->WskReceive(socket, &pending->Buffer, 0, pending->Irp);
        break;
    case WSKT_OP_SEND_TO:
        status =
            datagram->WskSendTo(socket, &pending->Buffer, 0, &pending->Remote.Any, 0, NULL, pending->Irp);
        break;
    default:
        status = datagram->WskReceiveFrom(socket, &pending->Buffer, 0, &pending->Remote.Any, NULL, NULL, NULL,
                                          pending->Irp);
        break;
    }
    End(Step, pending, status, Result);
}

static VOID Disconnect(const SOCKET_STEP *Step, WSKT_RESULT *Result)
{
    ULONG flags = (Step->Options & WSKT_SOCKET_ABORTIVE) != 0 ? WSK_FLAG_ABORTIVE : 0;
    PWSK_SOCKET socket;
    PENDING *pending = BeginTransfer(Step, NO_SOCKET, &socket, Result);

    if (pending != NULL) {
        End(Step, pending,
            ((const WSK_PROVIDER_CONNECTION_DISPATCH *)socket->Dispatch)
                ->WskDisconnect(socket, NULL, flags, pending->Irp),
            Result);
    }
}

static VOID CloseStep(const SOCKET_STEP *Step, WSKT_RESULT *Result)
{
    PWSK_SOCKET socket;
    PENDING *pending = BeginTransfer(Step, Step->Socket, &socket, Result);

    if (pending != NULL) {
        /* The basic table is the first part of every other. */
        End(Step, pending,
            ((const WSK_PROVIDER_BASIC_DISPATCH *)socket->Dispatch)->WskCloseSocket(socket, pending->Irp),
            Result);
    }
}

/* The functions for the local and the peer's address, by the table that has them. */
static NTSTATUS AskAddress(PWSK_SOCKET Socket, UINT32 Kind, BOOLEAN Remote, PENDING *Pending)
{
    const WSK_PROVIDER_CONNECTION_DISPATCH *connection = Socket->Dispatch;

    switch (Kind) {
    case WSK_FLAG_LISTEN_SOCKET:
        return ((const WSK_PROVIDER_LISTEN_DISPATCH *)Socket->Dispatch)
            ->WskGetLocalAddress(Socket, &Pending->Address.Any, Pending->Irp);
    case WSK_FLAG_CONNECTION_SOCKET:
        return Remote ? connection->WskGetRemoteAddress(Socket, &Pending->Address.Any, Pending->Irp)
                      : connection->WskGetLocalAddress(Socket, &Pending->Address.Any, Pending->Irp);
    default:
        return ((const WSK_PROVIDER_DATAGRAM_DISPATCH *)Socket->Dispatch)
            ->WskGetLocalAddress(Socket, &Pending->Address.Any, Pending->Irp);
    }
}

static VOID Address(const SOCKET_STEP *Step, WSKT_RESULT *Result)
{
    UINT32 kind = Step->Kind;
    BOOLEAN remote = (Step->Options & WSKT_SOCKET_REMOTE) != 0;
    PWSK_SOCKET socket;
    PENDING *pending;

    if (kind == WSK_FLAG_BASIC_SOCKET || kind == WSK_FLAG_STREAM_SOCKET ||
        (remote && kind != WSK_FLAG_CONNECTION_SOCKET)) {
        Refuse(Result, STATUS_NOT_SUPPORTED);
        return;
    }
    pending = BeginTransfer(Step, NO_SOCKET, &socket, Result);
    if (pending != NULL) {
        End(Step, pending, AskAddress(socket, kind, remote, pending), Result);
    }
}

/* Waits until the event callback was called so often. */
static VOID Events(const SOCKET_STEP *Step, WSKT_RESULT *Result)
{
    ENDPOINT *endpoint = EndpointAt(Step->Socket);
    UINT64 deadline = DeadlineIn(Step->WaitMs);

    while ((UINT32)endpoint->Events < Step->Code && DeadlineLeft(deadline) != 0) {
        (VOID) WaitFor(&endpoint->Happened, DeadlineLeft(deadline));
    }
    Result->Status = (UINT32)((UINT32)endpoint->Events >= Step->Code ? STATUS_SUCCESS : STATUS_TIMEOUT);
    Result->Value[WSKT_V_SOCKET_EVENTS] = (UINT32)endpoint->Events;
    Result->Value[WSKT_V_SOCKET_DISABLED] = (UINT32)endpoint->Disabled;
}

/* Which kind of socket has the function; calls on others are refused, for they would be of another. */
static BOOLEAN KindFits(const SOCKET_STEP *Step)
{
    UINT32 kind = Step->Kind;

    switch (Step->Op) {
    case WSKT_OP_CONNECT:
    case WSKT_OP_SEND:
    case WSKT_OP_RECEIVE:
    case WSKT_OP_DISCONNECT:
        return kind == WSK_FLAG_CONNECTION_SOCKET;
    case WSKT_OP_ACCEPT:
        return kind == WSK_FLAG_LISTEN_SOCKET;
    case WSKT_OP_SEND_TO:
    case WSKT_OP_RECEIVE_FROM:
        return kind == WSK_FLAG_DATAGRAM_SOCKET;
    default:
        return TRUE;
    }
}

/* A call on a socket that is there. Step->Kind is the socket's, for EndpointEnter to compare. */
static VOID Use(const SOCKET_STEP *Step, WSKT_RESULT *Result)
{
    if (!KindFits(Step)) {
        Refuse(Result, STATUS_INVALID_DEVICE_STATE);
        return;
    }
    switch (Step->Op) {
    case WSKT_OP_BIND:
        Bind(Step, Result);
        break;
    case WSKT_OP_CONNECT:
        Connect(Step, Result);
        break;
    case WSKT_OP_ACCEPT:
        Accept(Step, Result);
        break;
    case WSKT_OP_DISCONNECT:
        Disconnect(Step, Result);
        break;
    case WSKT_OP_CLOSE:
        CloseStep(Step, Result);
        break;
    case WSKT_OP_ADDRESS:
        Address(Step, Result);
        break;
    case WSKT_OP_CONTROL_SOCKET:
        ControlSocket(Step, Result);
        break;
    default:
        Transfer(Step, Result);
        break;
    }
}

VOID SocketRun(const SOCKET_STEP *Step, WSKT_RESULT *Result)
{
    UINT32 owner = (Step->Options & WSKT_SOCKET_CLIENT) != 0 ? OWNER_CLIENT | Step->Client : Step->Socket;
    SOCKET_STEP use = *Step;

    switch (Step->Op) {
    case WSKT_OP_SOCKET:
    case WSKT_OP_SOCKET_CONNECT:
        Create(Step, Result);
        break;
    case WSKT_OP_CONTROL_CLIENT:
        ControlClient(Step, Result);
        break;
    case WSKT_OP_AWAIT:
        PendingAwait(owner, Step->WaitMs, Result);
        break;
    case WSKT_OP_CANCEL:
        PendingCancel(owner, Result);
        break;
    case WSKT_OP_EVENTS:
        Events(Step, Result);
        break;
    default:
        use.Kind = EndpointAt(Step->Socket)->Kind;
        Use(&use, Result);
        break;
    }
}
