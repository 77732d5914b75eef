/* listener.c - creates the listening socket of the echo server. */
#include "listener.h"
#include "clock.h"
#include "failure.h"

/* The dynamic ports, and how many of them to try where the provider can't say which one it chose. */
#define FIRST_DYNAMIC_PORT 49152u
#define DYNAMIC_PORTS      16384u
#define LISTEN_ATTEMPTS    64u

/* Both ways. The kit's own macro is a library call in some compilers. */
static USHORT NetworkOrder(USHORT Port) { return (USHORT)(Port << 8 | Port >> 8); }

static const WSK_PROVIDER_LISTEN_DISPATCH *ListeningDispatch(PWSK_SOCKET Socket) { return Socket->Dispatch; }

static VOID CloseListening(PWSK_SOCKET Socket, SOCKET_CALL *Call)
{
    CallBegun(Call, ListeningDispatch(Socket)->Basic.WskCloseSocket(Socket, CallPrepare(Call)));
    if (NT_SUCCESS(CallWait(Call))) {
        SocketsCount(-1);
    }
}

/* A new socket, bound to Port; 0 leaves the choice to the provider. Listening begins with the bind. */
static NTSTATUS OpenAt(USHORT Port, const WSK_PROVIDER_NPI *Npi, SOCKET_CALL *Call, PWSK_SOCKET *Socket)
{
    SOCKADDR_IN address;
    NTSTATUS status = FailureHere();

    if (NT_SUCCESS(status)) {
        /* No callbacks, so no dispatch table and no context: connections are taken with WskAccept. */
        CallBegun(Call, Npi->Dispatch->WskSocket(Npi->Client, AF_INET, SOCK_STREAM, IPPROTO_TCP,
                                                 WSK_FLAG_LISTEN_SOCKET, NULL, NULL, NULL, NULL, NULL,
                                                 CallPrepare(Call)));
        status = CallWait(Call);
    }
    if (!NT_SUCCESS(status)) {
        return status;
    }
    *Socket = (PWSK_SOCKET)Call->Information;
    SocketsCount(1);

    RtlZeroMemory(&address, sizeof(address));
    address.sin_family = AF_INET;
    address.sin_port = NetworkOrder(Port);
    address.sin_addr.S_un.S_un_b.s_b1 = 127;
    address.sin_addr.S_un.S_un_b.s_b4 = 1;
    status = FailureHere();
    if (NT_SUCCESS(status)) {
        CallBegun(Call,
                  ListeningDispatch(*Socket)->WskBind(*Socket, (PSOCKADDR)&address, 0, CallPrepare(Call)));
        status = CallWait(Call);
    }
    if (!NT_SUCCESS(status)) {
        CloseListening(*Socket, Call);
    }
    return status;
}

static NTSTATUS AskPort(PWSK_SOCKET Socket, SOCKET_CALL *Call, USHORT *Port)
{
    SOCKADDR_IN address;
    NTSTATUS status;

    RtlZeroMemory(&address, sizeof(address));
    CallBegun(Call,
              ListeningDispatch(Socket)->WskGetLocalAddress(Socket, (PSOCKADDR)&address, CallPrepare(Call)));
    status = CallWait(Call);
    *Port = NetworkOrder(address.sin_port);
    return status;
}

/* For a provider that does not implement WskGetLocalAddress (Wine): a port that nobody else has. */
static NTSTATUS OpenAtFreePort(LISTENER *Listener, const WSK_PROVIDER_NPI *Npi, SOCKET_CALL *Call)
{
    UINT64 first = ClockNs() / 1000; /* where guests start at the same time, not at the same port */
    NTSTATUS status = STATUS_UNSUCCESSFUL;

    for (UINT32 i = 0; i < LISTEN_ATTEMPTS && !NT_SUCCESS(status); i++) {
        Listener->Port = (USHORT)(FIRST_DYNAMIC_PORT + (first + i) % DYNAMIC_PORTS);
        status = OpenAt(Listener->Port, Npi, Call, &Listener->Socket);
    }
    return status;
}

NTSTATUS ListenerOpen(LISTENER *Listener, const WSK_PROVIDER_NPI *Npi, SOCKET_CALL *Call)
{
    NTSTATUS status;

    MISTAKE(LEAK_SOCKET, (VOID)OpenAt(0, Npi, Call, &Listener->Socket));
    status = OpenAt(0, Npi, Call, &Listener->Socket);
    if (NT_SUCCESS(status)) {
        status = AskPort(Listener->Socket, Call, &Listener->Port);
        if (!NT_SUCCESS(status)) {
            CloseListening(Listener->Socket, Call);
            status = OpenAtFreePort(Listener, Npi, Call);
        }
    }
    if (!NT_SUCCESS(status)) {
        Listener->Socket = NULL;
        Listener->Port = 0;
    }
    return status;
}
