/* echo.h - the echo server: accepts connections and sends back what it receives. */
#pragma once

#include "connection.h"
#include "listener.h"

typedef struct ECHO {
    KEVENT Wake;        /* a call has completed, or Stop was set */
    volatile LONG Stop; /* everything is to be closed */
    LISTENER Listener;
    SOCKET_CALL Accept;
    SOCKET_CALL Close; /* of the listener */
    BOOLEAN Closing;
    UINT64 AcceptAgain; /* after a failed accept: not before then */
    CONNECTION *Next;   /* where the next accepted socket goes */
    CONNECTION *First;
    UINT32 Connections;
    volatile LONG Accepted;
    volatile LONG64 Bytes; /* echoed, or on their way back */
} ECHO;

_IRQL_requires_max_(PASSIVE_LEVEL) VOID EchoInitialize(ECHO *Echo);

/* Opens the listening socket; the NPI is not used after the return. */
_IRQL_requires_max_(PASSIVE_LEVEL) _Must_inspect_result_ NTSTATUS
    EchoOpen(ECHO *Echo, const WSK_PROVIDER_NPI *Npi);

/*
 * Serves until EchoStop, then closes every socket. All calls on all sockets are made by the thread that
 * is in here, so that none is closed while a call on it is in progress.
 */
_IRQL_requires_max_(PASSIVE_LEVEL) VOID EchoServe(ECHO *Echo);

/* Has EchoServe close everything and return; it is not waited for. */
_IRQL_requires_max_(DISPATCH_LEVEL) VOID EchoStop(ECHO *Echo);
