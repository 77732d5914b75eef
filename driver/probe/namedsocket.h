/*
 * namedsocket.h - named sockets: what suites create, use and close.
 *
 * A named socket is static storage, as a named client is. Its lock is not held while WSK is called.
 * A call that the socket's state forbids (a close while a call on it is in progress, anything on a
 * socket that is closed) is refused; a socket is never closed twice.
 */
#pragma once

#include "stepcall.h"

#define NO_SOCKET WSKT_MAX_SOCKETS
#define ANY_KIND  0xFFFFFFFFu

typedef enum SOCKET_STATE {
    SOCKET_FREE,
    SOCKET_OPENING, /* the provider makes it, or is to accept it */
    SOCKET_OPEN,
    SOCKET_CLOSING, /* the provider has been asked to close it, and nobody asks it anything more */
} SOCKET_STATE;

typedef struct NAMED_SOCKET {
    KSPIN_LOCK Lock; /* for all below */
    SOCKET_STATE State;
    PWSK_SOCKET Socket;
    LONG Calls;  /* functions of it that have not returned */
    UINT32 Kind; /* WSK_FLAG_* */
    UINT16 Family;
    UINT16 Port; /* that it was bound to, host byte order */
    UINT32 EventOptions;
    UINT32 EventSocket;
    volatile LONG Events;
    volatile LONG Disabled;
    KEVENT Happened; /* set by the event callback */
} NAMED_SOCKET;

_IRQL_requires_max_(PASSIVE_LEVEL) VOID NamedSocketsInitialize(VOID);

_IRQL_requires_max_(HIGH_LEVEL) NAMED_SOCKET *NamedSocketAt(UINT32 Index);

/* Reserves a free one for a socket to come. FALSE if it is not free. */
_IRQL_requires_max_(DISPATCH_LEVEL) _Must_inspect_result_ BOOLEAN
    NamedSocketReserve(UINT32 Index, UINT32 Kind, UINT16 Family);

/*
 * The socket that it is from here on; NULL: it is free. So it is after a close, whatever that came to: a
 * provider that fails it may have freed the socket all the same.
 */
_IRQL_requires_max_(DISPATCH_LEVEL) VOID NamedSocketOpened(UINT32 Index, PWSK_SOCKET Socket);

/* Begins a call on an open socket of that kind, or ANY_KIND; NULL if it is not that. NamedSocketLeave ends
 * it. */
_IRQL_requires_max_(DISPATCH_LEVEL) _Must_inspect_result_ PWSK_SOCKET
    NamedSocketEnter(UINT32 Index, UINT32 Kind);
_IRQL_requires_max_(DISPATCH_LEVEL) VOID NamedSocketLeave(UINT32 Index);

/* As NamedSocketEnter, but the socket is closing from here on; NULL while calls are in progress. */
_IRQL_requires_max_(DISPATCH_LEVEL) _Must_inspect_result_ PWSK_SOCKET NamedSocketEnterClose(UINT32 Index);

/* Sockets that are not closed, as far as the driver knows. These take no lock. */
_IRQL_requires_max_(HIGH_LEVEL) UINT32 NamedSocketsCount(VOID);

/* Whether there is one that is open, and that nobody is at; and whether all are free. */
_IRQL_requires_max_(HIGH_LEVEL) BOOLEAN NamedSocketsIdle(VOID);
_IRQL_requires_max_(HIGH_LEVEL) BOOLEAN NamedSocketsFree(VOID);
