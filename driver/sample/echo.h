/*
 * echo.h - the echo server: accepts connections and sends back what it receives.
 */
#pragma once

#include "listener.h"

typedef struct ECHO {
    KEVENT Wake;        /* a call has completed, or Stop was set */
    volatile LONG Stop; /* set it, then Wake: everything is closed and EchoServe returns */
    LISTENER Listener;
    SOCKET_CALL Accept;
    SOCKET_CALL Close; /* of the listener */
    BOOLEAN Closing;
    UINT64 AcceptAgain;      /* after a failed accept: not before then */
    struct CONNECTION *Next; /* where the next accepted socket goes */
    struct CONNECTION *First;
    UINT32 Connections;
    volatile LONG Accepted;
    volatile LONG64 Bytes; /* echoed, or on their way back */
} ECHO;

VOID EchoInitialize(ECHO *Echo);

/* Opens the listening socket; the NPI is not used after the return. PASSIVE_LEVEL. */
NTSTATUS EchoOpen(ECHO *Echo, const WSK_PROVIDER_NPI *Npi);

/*
 * Serves until Stop, then closes every socket. All calls on all sockets are made by the thread that
 * is in here, so that none is closed while a call on it is in progress. PASSIVE_LEVEL.
 */
VOID EchoServe(ECHO *Echo);
