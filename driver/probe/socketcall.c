/* socketcall.c - the calls on named sockets, but for those that transfer data. */
#include "socketcall.h"
#include "socketuse.h"

static PASSIVE_ROUTINE BindRun, ConnectRun, AcceptRun, DisconnectRun, CloseRun, AddressRun;

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
    case 0xC0000238: /* STATUS_ADDRESS_ALREADY_ASSOCIATED */ return TRUE;
    default: return FALSE;
    }
}

static volatile LONG NextPort;

static NTSTATUS BindTo(const SOCKET_USE *Use)
{
    PSOCKADDR address = &Use->Pending->Address.Any;
    const VOID *dispatch = Use->Socket->Dispatch;
    PIRP irp = Use->Pending->Irp;

    switch (Use->Kind) {
    case WSK_FLAG_LISTEN_SOCKET:
        return ((const WSK_PROVIDER_LISTEN_DISPATCH *)dispatch)->WskBind(Use->Socket, address, 0, irp);
    case WSK_FLAG_CONNECTION_SOCKET:
        return ((const WSK_PROVIDER_CONNECTION_DISPATCH *)dispatch)->WskBind(Use->Socket, address, 0, irp);
    default: return ((const WSK_PROVIDER_DATAGRAM_DISPATCH *)dispatch)->WskBind(Use->Socket, address, 0, irp);
    }
}

static VOID BindOnce(const STEP_CALL *Call, UINT32 Kind, UINT16 Port, WSKT_RESULT *Result)
{
    NAMED_SOCKET *named = NamedSocketAt(SocketArg(Call, 0));
    SOCKET_USE use;

    if (SocketUseBegin(&use, Call, Kind, Result)) {
        LoopbackAddress(&use.Pending->Address, named->Family, Port);
        named->Port = Port;
        SocketUseEnd(&use, BindTo(&use), Result);
    }
}

/* To the loopback address, and where others have to find the socket, to a port that is known. */
static VOID BindRun(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    const NAMED_SOCKET *named = NamedSocketAt(SocketArg(Call, 0));
    UINT32 kind = named->Kind;

    if (kind == WSK_FLAG_BASIC_SOCKET || kind == WSK_FLAG_STREAM_SOCKET) {
        Refuse(Result, STATUS_NOT_SUPPORTED);
        return;
    }
    if (kind == WSK_FLAG_CONNECTION_SOCKET) {
        BindOnce(Call, kind, 0, Result);
        return;
    }
    for (UINT32 i = 0; i < BIND_ATTEMPTS; i++) {
        UINT32 offset = (UINT32)(ClockNs() / 1000) + (UINT32)InterlockedIncrement(&NextPort);

        RtlZeroMemory(Result->Value, sizeof(Result->Value));
        BindOnce(Call, kind, (UINT16)(FIRST_PORT + offset % PORTS), Result);
        if (!IsTaken((NTSTATUS)Result->Status)) {
            break;
        }
    }
    Result->Value[WSKT_V_SOCKET_PORT] = named->Port;
}

static VOID ConnectRun(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    const WSK_PROVIDER_CONNECTION_DISPATCH *dispatch;
    SOCKET_USE use;

    if (!SocketUseBegin(&use, Call, WSK_FLAG_CONNECTION_SOCKET, Result)) {
        return;
    }
    if (!AddressOf(SocketArg(Call, 1), &use.Pending->Remote)) {
        SocketUseAbandon(&use, STATUS_INVALID_DEVICE_STATE, Result);
        return;
    }
    dispatch = use.Socket->Dispatch;
    SocketUseEnd(&use, dispatch->WskConnect(use.Socket, &use.Pending->Remote.Any, 0, use.Pending->Irp),
                 Result);
}

static VOID AcceptRun(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    BOOLEAN tell = (Call->Step.Arg[4] & WSKT_SOCKET_NO_ADDRESSES) == 0;
    UINT32 accepted = SocketArg(Call, 1);
    const WSK_PROVIDER_LISTEN_DISPATCH *dispatch;
    SOCKET_USE use;

    if (!SocketUseBegin(&use, Call, WSK_FLAG_LISTEN_SOCKET, Result)) {
        return;
    }
    if (!NamedSocketReserve(accepted, WSK_FLAG_CONNECTION_SOCKET, NamedSocketAt(use.Index)->Family)) {
        SocketUseAbandon(&use, STATUS_OBJECT_NAME_COLLISION, Result);
        return;
    }
    use.Pending->Target = accepted;
    dispatch = use.Socket->Dispatch;
    SocketUseEnd(&use,
                 dispatch->WskAccept(use.Socket, 0, NULL, NULL, tell ? &use.Pending->Address.Any : NULL,
                                     tell ? &use.Pending->Remote.Any : NULL, use.Pending->Irp),
                 Result);
}

static VOID DisconnectRun(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    ULONG flags = (Call->Step.Arg[4] & WSKT_SOCKET_ABORTIVE) != 0 ? WSK_FLAG_ABORTIVE : 0;
    const WSK_PROVIDER_CONNECTION_DISPATCH *dispatch;
    SOCKET_USE use;

    if (SocketUseBegin(&use, Call, WSK_FLAG_CONNECTION_SOCKET, Result)) {
        dispatch = use.Socket->Dispatch;
        SocketUseEnd(&use, dispatch->WskDisconnect(use.Socket, NULL, flags, use.Pending->Irp), Result);
    }
}

/* Closes a named socket that nobody is at; waits for so long. */
_IRQL_requires_max_(PASSIVE_LEVEL) static VOID
    CloseNamed(UINT32 Index, BOOLEAN WithIrp, UINT32 WaitMs, WSKT_RESULT *Result)
{
    SOCKET_USE use = {.Index = Index, .WaitMs = WaitMs, .Socket = NamedSocketEnterClose(Index)};
    const WSK_PROVIDER_BASIC_DISPATCH *dispatch; /* the first part of every other */

    if (use.Socket == NULL) {
        Refuse(Result, STATUS_INVALID_DEVICE_STATE);
        return;
    }
    use.Pending = PendingCreate(WSKT_OP_CLOSE, Index, Index, WithIrp);
    if (use.Pending == NULL) {
        NamedSocketLeave(Index);
        NamedSocketOpened(Index, use.Socket); /* as it was */
        Refuse(Result, STATUS_INSUFFICIENT_RESOURCES);
        return;
    }
    dispatch = use.Socket->Dispatch;
    SocketUseEnd(&use, dispatch->WskCloseSocket(use.Socket, use.Pending->Irp), Result);
}

static VOID CloseRun(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    CloseNamed(SocketArg(Call, 0), HasIrp(Call), SocketWait(Call), Result);
}

/* The functions for the local and the peer's address, by the table that has them. */
static NTSTATUS AskAddress(const SOCKET_USE *Use, BOOLEAN Remote)
{
    const WSK_PROVIDER_CONNECTION_DISPATCH *connection = Use->Socket->Dispatch;
    PSOCKADDR address = &Use->Pending->Address.Any;
    PIRP irp = Use->Pending->Irp;

    switch (Use->Kind) {
    case WSK_FLAG_LISTEN_SOCKET:
        return ((const WSK_PROVIDER_LISTEN_DISPATCH *)Use->Socket->Dispatch)
            ->WskGetLocalAddress(Use->Socket, address, irp);
    case WSK_FLAG_CONNECTION_SOCKET:
        return Remote ? connection->WskGetRemoteAddress(Use->Socket, address, irp)
                      : connection->WskGetLocalAddress(Use->Socket, address, irp);
    default:
        return ((const WSK_PROVIDER_DATAGRAM_DISPATCH *)Use->Socket->Dispatch)
            ->WskGetLocalAddress(Use->Socket, address, irp);
    }
}

static VOID AddressRun(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    UINT32 kind = NamedSocketAt(SocketArg(Call, 0))->Kind;
    BOOLEAN remote = (Call->Step.Arg[4] & WSKT_SOCKET_REMOTE) != 0;
    SOCKET_USE use;

    if (kind == WSK_FLAG_BASIC_SOCKET || kind == WSK_FLAG_STREAM_SOCKET ||
        (remote && kind != WSK_FLAG_CONNECTION_SOCKET)) {
        Refuse(Result, STATUS_NOT_SUPPORTED);
        return;
    }
    if (SocketUseBegin(&use, Call, kind, Result)) {
        SocketUseEnd(&use, AskAddress(&use, remote), Result);
    }
}

VOID SocketsClose(VOID)
{
    PendingReap(); /* a socket that was made or accepted, and not taken yet, is open after this */
    /*
     * In reverse of how they were made: an accepted socket before its listener. Wine closes the socket
     * that a listener accepted last once more with the listener, and then fails the accepted one's close.
     */
    for (UINT32 i = WSKT_MAX_SOCKETS; i-- > 0;) {
        WSKT_RESULT result = {0};

        if (NamedSocketAt(i)->State == SOCKET_OPEN) {
            CloseNamed(i, TRUE, 0, &result);
        }
    }
}

VOID SocketsEnd(VOID)
{
    SocketsClose();
    PendingTidy();
    while (!NamedSocketsFree()) {
        /* No limit: WskDeregister, which comes next, would wait for the same sockets. */
        SleepMs(1);
        SocketsClose();
        PendingTidy();
    }
}

const OPERATION BindOperation = {BindRun, SocketCheck, LEVEL_PASSIVE};
const OPERATION ConnectOperation = {ConnectRun, SocketPairCheck, LEVEL_PASSIVE};
const OPERATION AcceptOperation = {AcceptRun, SocketPairCheck, LEVEL_PASSIVE};
const OPERATION DisconnectOperation = {DisconnectRun, SocketCheck, LEVEL_PASSIVE};
const OPERATION CloseOperation = {CloseRun, SocketCheck, LEVEL_PASSIVE};
const OPERATION AddressOperation = {AddressRun, SocketCheck, LEVEL_PASSIVE};
