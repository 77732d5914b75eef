/* listener.h - the listening socket of the echo server. */
#pragma once

#include "socket.h"

typedef struct LISTENER {
    PWSK_SOCKET Socket; /* NULL when closed */
    USHORT Port;        /* host byte order */
} LISTENER;

/*
 * Creates a TCP socket that listens on 127.0.0.1 and a port of its own. Uses the NPI only during the
 * call; Call is idle before and after.
 */
_IRQL_requires_max_(PASSIVE_LEVEL) _Must_inspect_result_ NTSTATUS
    ListenerOpen(LISTENER *Listener, const WSK_PROVIDER_NPI *Npi, SOCKET_CALL *Call);
