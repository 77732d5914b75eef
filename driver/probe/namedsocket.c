/* namedsocket.c - the state of named sockets. */
#include "namedsocket.h"

static NAMED_SOCKET Named[WSKT_MAX_SOCKETS];

NAMED_SOCKET *NamedSocketAt(UINT32 Index) { return &Named[Index]; }

VOID NamedSocketsInitialize(VOID)
{
    for (UINT32 i = 0; i < WSKT_MAX_SOCKETS; i++) {
        KeInitializeSpinLock(&Named[i].Lock);
        KeInitializeEvent(&Named[i].Happened, SynchronizationEvent, FALSE);
    }
}

BOOLEAN NamedSocketReserve(UINT32 Index, UINT32 Kind, UINT16 Family)
{
    NAMED_SOCKET *named = NamedSocketAt(Index);
    BOOLEAN reserved;
    KIRQL irql;

    KeAcquireSpinLock(&named->Lock, &irql);
    reserved = named->State == SOCKET_FREE;
    if (reserved) {
        named->State = SOCKET_OPENING;
        named->Kind = Kind;
        named->Family = Family;
        named->Port = 0;
        named->EventOptions = 0;
        named->EventSocket = NO_SOCKET;
        named->Events = 0;
        named->Disabled = STATUS_PENDING;
    }
    KeReleaseSpinLock(&named->Lock, irql);
    return reserved;
}

VOID NamedSocketOpened(UINT32 Index, PWSK_SOCKET Socket)
{
    NAMED_SOCKET *named = NamedSocketAt(Index);
    KIRQL irql;

    KeAcquireSpinLock(&named->Lock, &irql);
    named->Socket = Socket;
    named->State = Socket != NULL ? SOCKET_OPEN : SOCKET_FREE;
    KeReleaseSpinLock(&named->Lock, irql);
}

PWSK_SOCKET NamedSocketEnter(UINT32 Index, UINT32 Kind)
{
    NAMED_SOCKET *named = NamedSocketAt(Index);
    PWSK_SOCKET socket = NULL;
    KIRQL irql;

    KeAcquireSpinLock(&named->Lock, &irql);
    if (named->State == SOCKET_OPEN && (Kind == ANY_KIND || named->Kind == Kind)) {
        socket = named->Socket;
        named->Calls++;
    }
    KeReleaseSpinLock(&named->Lock, irql);
    return socket;
}

VOID NamedSocketLeave(UINT32 Index)
{
    NAMED_SOCKET *named = NamedSocketAt(Index);
    KIRQL irql;

    KeAcquireSpinLock(&named->Lock, &irql);
    named->Calls--;
    KeReleaseSpinLock(&named->Lock, irql);
}

PWSK_SOCKET NamedSocketEnterClose(UINT32 Index)
{
    NAMED_SOCKET *named = NamedSocketAt(Index);
    PWSK_SOCKET socket = NULL;
    KIRQL irql;

    KeAcquireSpinLock(&named->Lock, &irql);
    if (named->State == SOCKET_OPEN && named->Calls == 0) {
        named->State = SOCKET_CLOSING;
        named->Calls++;
        socket = named->Socket;
    }
    KeReleaseSpinLock(&named->Lock, irql);
    return socket;
}

/* One aligned number, which is read whole without the lock. */
static SOCKET_STATE StateOf(UINT32 Index) { return *(const volatile SOCKET_STATE *)&Named[Index].State; }

UINT32 NamedSocketsCount(VOID)
{
    UINT32 count = 0;

    for (UINT32 i = 0; i < WSKT_MAX_SOCKETS; i++) {
        SOCKET_STATE state = StateOf(i);

        count += state == SOCKET_OPEN || state == SOCKET_CLOSING;
    }
    return count;
}

BOOLEAN NamedSocketsIdle(VOID)
{
    BOOLEAN idle = FALSE;

    for (UINT32 i = 0; i < WSKT_MAX_SOCKETS && !idle; i++) {
        idle = StateOf(i) == SOCKET_OPEN && *(const volatile LONG *)&Named[i].Calls == 0;
    }
    return idle;
}

BOOLEAN NamedSocketsFree(VOID)
{
    BOOLEAN free = TRUE;

    for (UINT32 i = 0; i < WSKT_MAX_SOCKETS && free; i++) {
        free = StateOf(i) == SOCKET_FREE;
    }
    return free;
}
