/*
 * endpoint.c - the state of named sockets, and the callbacks of those that have some.
 */
#include "endpoint.h"
#include "client.h"

static ENDPOINT Endpoints[WSKT_MAX_SOCKETS];

ENDPOINT *EndpointAt(UINT32 Index)
{
    return &Endpoints[Index];
}

VOID EndpointsInitialize(VOID)
{
    PendingInitialize();
    for (UINT32 i = 0; i < WSKT_MAX_SOCKETS; i++) {
        KeInitializeSpinLock(&Endpoints[i].Lock);
        KeInitializeEvent(&Endpoints[i].Happened, SynchronizationEvent, FALSE);
    }
}

BOOLEAN EndpointReserve(UINT32 Index, UINT32 Kind, UINT16 Family)
{
    ENDPOINT *endpoint = &Endpoints[Index];
    BOOLEAN reserved;
    KIRQL irql;

    KeAcquireSpinLock(&endpoint->Lock, &irql);
    reserved = endpoint->State == ENDPOINT_FREE;
    if (reserved) {
        endpoint->State = ENDPOINT_OPENING;
        endpoint->Kind = Kind;
        endpoint->Family = Family;
        endpoint->Port = 0;
        endpoint->EventOptions = 0;
        endpoint->EventSocket = NO_SOCKET;
        endpoint->Events = 0;
        endpoint->Disabled = STATUS_PENDING;
    }
    KeReleaseSpinLock(&endpoint->Lock, irql);
    return reserved;
}

VOID EndpointOpened(UINT32 Index, PWSK_SOCKET Socket)
{
    ENDPOINT *endpoint = &Endpoints[Index];
    KIRQL irql;

    KeAcquireSpinLock(&endpoint->Lock, &irql);
    endpoint->Socket = Socket;
    endpoint->State = Socket != NULL ? ENDPOINT_OPEN : ENDPOINT_FREE;
    KeReleaseSpinLock(&endpoint->Lock, irql);
}

VOID EndpointClosed(UINT32 Index)
{
    ENDPOINT *endpoint = &Endpoints[Index];
    KIRQL irql;

    KeAcquireSpinLock(&endpoint->Lock, &irql);
    endpoint->Socket = NULL;
    endpoint->State = ENDPOINT_FREE;
    KeReleaseSpinLock(&endpoint->Lock, irql);
}

PWSK_SOCKET EndpointEnter(UINT32 Index, UINT32 Kind)
{
    ENDPOINT *endpoint = &Endpoints[Index];
    PWSK_SOCKET socket = NULL;
    KIRQL irql;

    KeAcquireSpinLock(&endpoint->Lock, &irql);
    if (endpoint->State == ENDPOINT_OPEN && endpoint->Kind == Kind) {
        socket = endpoint->Socket;
        endpoint->Calls++;
    }
    KeReleaseSpinLock(&endpoint->Lock, irql);
    return socket;
}

VOID EndpointLeave(UINT32 Index)
{
    ENDPOINT *endpoint = &Endpoints[Index];
    KIRQL irql;

    KeAcquireSpinLock(&endpoint->Lock, &irql);
    endpoint->Calls--;
    KeReleaseSpinLock(&endpoint->Lock, irql);
}

PWSK_SOCKET EndpointEnterClose(UINT32 Index)
{
    ENDPOINT *endpoint = &Endpoints[Index];
    PWSK_SOCKET socket = NULL;
    KIRQL irql;

    KeAcquireSpinLock(&endpoint->Lock, &irql);
    if (endpoint->State == ENDPOINT_OPEN && endpoint->Calls == 0) {
        endpoint->State = ENDPOINT_CLOSING;
        endpoint->Calls++;
        socket = endpoint->Socket;
    }
    KeReleaseSpinLock(&endpoint->Lock, irql);
    return socket;
}

UINT32 EndpointsCount(VOID)
{
    UINT32 count = 0;

    for (UINT32 i = 0; i < WSKT_MAX_SOCKETS; i++) {
        /* One aligned number, which is read whole without the lock. */
        ENDPOINT_STATE state = *(const volatile ENDPOINT_STATE *)&Endpoints[i].State;

        count += state == ENDPOINT_OPEN || state == ENDPOINT_CLOSING;
    }
    return count;
}

BOOLEAN EndpointsIdle(VOID)
{
    BOOLEAN idle = FALSE;

    for (UINT32 i = 0; i < WSKT_MAX_SOCKETS && !idle; i++) {
        KIRQL irql;

        KeAcquireSpinLock(&Endpoints[i].Lock, &irql);
        idle = Endpoints[i].State == ENDPOINT_OPEN && Endpoints[i].Calls == 0;
        KeReleaseSpinLock(&Endpoints[i].Lock, irql);
    }
    return idle;
}

VOID EndpointsClose(VOID)
{
    PendingReap(); /* a socket that was made or accepted, and not taken yet, is open after this */
    /*
     * In reverse of how they were made: an accepted socket before its listener. Wine closes the socket
     * that a listener accepted last once more with the listener, and then fails the accepted one's close.
     */
    for (UINT32 i = WSKT_MAX_SOCKETS; i-- > 0;) {
        SOCKET_STEP step = {.Op = WSKT_OP_CLOSE, .Socket = i, .Options = WSKT_SOCKET_PENDING};
        WSKT_RESULT result = {0};

        if (Endpoints[i].State == ENDPOINT_OPEN) {
            SocketRun(&step, &result);
        }
    }
}

static BOOLEAN AllFree(VOID)
{
    BOOLEAN free = TRUE;

    for (UINT32 i = 0; i < WSKT_MAX_SOCKETS && free; i++) {
        KIRQL irql;

        KeAcquireSpinLock(&Endpoints[i].Lock, &irql);
        free = Endpoints[i].State == ENDPOINT_FREE;
        KeReleaseSpinLock(&Endpoints[i].Lock, irql);
    }
    return free;
}

VOID EndpointsEnd(VOID)
{
    EndpointsClose();
    PendingTidy();
    while (!AllFree()) {
        /* No limit: WskDeregister, which comes next, would wait for the same sockets. */
        SleepMs(1);
        EndpointsClose();
        PendingTidy();
    }
}

/* Unused by the sockets that the callback accepts: no event is enabled on them. */
static const WSK_CLIENT_CONNECTION_DISPATCH NoEvents;

/* WSK_CLIENT_LISTEN_DISPATCH.WskAcceptEvent. IRQL <= DISPATCH_LEVEL. */
static NTSTATUS WSKAPI AcceptEvent(PVOID Context, ULONG Flags, PSOCKADDR Local, PSOCKADDR Remote,
                                   PWSK_SOCKET Accepted, PVOID *AcceptedContext,
                                   const WSK_CLIENT_CONNECTION_DISPATCH **AcceptedDispatch)
{
    ENDPOINT *endpoint = Context;
    NTSTATUS status = STATUS_REQUEST_NOT_ACCEPTED;

    UNREFERENCED_PARAMETER(Flags);
    UNREFERENCED_PARAMETER(Local);
    UNREFERENCED_PARAMETER(Remote);
    if (Accepted == NULL) {
        return status; /* the listening socket is about to go: there is nothing to accept */
    }
    if ((endpoint->EventOptions & WSKT_SOCKET_EVENT_DISABLE) != 0 && !DEFECT(EVENT_LEFT_ENABLED)) {
        (VOID) InterlockedExchange(&endpoint->Disabled,
                                   (LONG)ControlDisableEvent(endpoint->Socket, WSK_EVENT_ACCEPT));
    } else if ((endpoint->EventOptions & WSKT_SOCKET_EVENT_ACCEPT) != 0 &&
               EndpointReserve(endpoint->EventSocket, WSK_FLAG_CONNECTION_SOCKET, endpoint->Family)) {
        *AcceptedContext = EndpointAt(endpoint->EventSocket);
        *AcceptedDispatch = &NoEvents;
        EndpointOpened(endpoint->EventSocket, Accepted);
        status = STATUS_SUCCESS;
    }
    (VOID) InterlockedIncrement(&endpoint->Events);
    (VOID) KeSetEvent(&endpoint->Happened, IO_NO_INCREMENT, FALSE);
    return status;
}

const WSK_CLIENT_LISTEN_DISPATCH EndpointListenDispatch = {AcceptEvent, NULL, NULL};
