/*
 * endpoint.h - named sockets: what suites create, use and close.
 *
 * A named socket is static storage, as a named client is. Its lock is not held while WSK is called.
 * A call that the socket's state forbids (a close while a call on it is in progress, anything on a
 * socket that is closed) is refused; a socket is never closed twice.
 */
#pragma once

#include "pending.h"

/* Once, in DriverEntry. */
VOID EndpointsInitialize(VOID);

/* A step about a socket, checked for bounds by the caller; which fields mean something, Op says. */
typedef struct SOCKET_STEP {
    UINT32 Op;
    UINT32 Client;
    UINT32 Socket;
    UINT32 Other; /* to connect or send to, accepted; NO_SOCKET */
    UINT32 Kind;  /* WSK_FLAG_*, of a socket to be created */
    UINT16 Family;
    UINT16 Type;
    UINT32 Protocol;
    UINT32 Code;  /* control code, event mask, bytes, count of events */
    UINT32 Value; /* output size, value to set, pattern */
    UINT32 Options;
    UINT32 WaitMs;
} SOCKET_STEP;

/* Does it, and fills in Result, whose values start zeroed. PASSIVE_LEVEL. */
VOID SocketRun(const SOCKET_STEP *Step, WSKT_RESULT *Result);

/* Sockets that are not closed, as far as the driver knows. Takes no lock. Any IRQL. */
UINT32 EndpointsCount(VOID);

/* Whether there is one that EndpointsClose would close. */
BOOLEAN EndpointsIdle(VOID);

/* Starts closing what is open and nobody is at. Not waited for. PASSIVE_LEVEL. */
VOID EndpointsClose(VOID);

/* In Unload: closes all, those that are only being made as well, and waits for it. PASSIVE_LEVEL. */
VOID EndpointsEnd(VOID);

/* pending.c tells how a creation, an accept or a close ended; Socket is NULL if it gave none. */
VOID EndpointOpened(UINT32 Index, PWSK_SOCKET Socket);
/* Whatever the close came to: a provider that fails it may have freed the socket all the same. */
VOID EndpointClosed(UINT32 Index);

/* For the files that make the calls */

typedef enum ENDPOINT_STATE {
    ENDPOINT_FREE,
    ENDPOINT_OPENING, /* the provider makes it, or is to accept it */
    ENDPOINT_OPEN,
    ENDPOINT_CLOSING, /* the provider has been asked to close it, and nobody asks it anything more */
} ENDPOINT_STATE;

typedef struct ENDPOINT {
    KSPIN_LOCK Lock; /* for all below */
    ENDPOINT_STATE State;
    PWSK_SOCKET Socket;
    LONG Calls; /* functions of it that have not returned */
    UINT32 Kind;
    UINT16 Family;
    UINT16 Port; /* that it was bound to, host byte order */
    UINT32 EventOptions;
    UINT32 EventSocket;
    volatile LONG Events;
    volatile LONG Disabled;
    KEVENT Happened; /* set by the event callback */
} ENDPOINT;

ENDPOINT *EndpointAt(UINT32 Index);

/* Reserves a free one for a socket to come. FALSE if it is not free. */
BOOLEAN EndpointReserve(UINT32 Index, UINT32 Kind, UINT16 Family);

/* Begins a call on an open socket of one of the kinds; NULL if it is not that. EndpointLeave ends it. */
PWSK_SOCKET EndpointEnter(UINT32 Index, UINT32 Kind);
VOID EndpointLeave(UINT32 Index);

/* As EndpointEnter, but the socket is closing from here on; NULL while calls are in progress. */
PWSK_SOCKET EndpointEnterClose(UINT32 Index);

/* The callbacks of a listening socket whose context is its endpoint. */
extern const WSK_CLIENT_LISTEN_DISPATCH EndpointListenDispatch;

/* Puts the loopback address of a family there. */
VOID EndpointLoopback(ADDRESS *Address, UINT16 Family, UINT16 Port);

/* control.c: WskControlClient and WskControlSocket. PASSIVE_LEVEL. */
VOID ControlClient(const SOCKET_STEP *Step, WSKT_RESULT *Result);
VOID ControlSocket(const SOCKET_STEP *Step, WSKT_RESULT *Result);
/* From within an event callback of the socket, with a NULL IRP. IRQL <= DISPATCH_LEVEL. */
NTSTATUS ControlDisableEvent(PWSK_SOCKET Socket, ULONG Event);
