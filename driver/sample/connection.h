/* connection.h - a connection of the echo server. */
#pragma once

#include "socket.h"

#define CONNECTION_BYTES 4096u

typedef enum CONNECTION_PHASE {
    RECEIVING,
    SENDING,
    DISCONNECTING,
    CLOSING,
} CONNECTION_PHASE;

typedef struct CONNECTION {
    struct CONNECTION *Next;
    PWSK_SOCKET Socket;
    volatile LONG64 *Bytes; /* counts what is echoed */
    CONNECTION_PHASE Phase;
    SOCKET_CALL Transfer; /* receive, send, disconnect */
    SOCKET_CALL Close;    /* of its own: a close completes the transfer that is pending */
    PMDL Mdl;             /* of Buffer */
    ULONG Length;         /* received */
    ULONG Sent;           /* of that */
    UINT8 Buffer[CONNECTION_BYTES];
} CONNECTION;

/* All that a connection needs but its socket; NULL if there is no memory. Its calls set Wake. */
_IRQL_requires_max_(DISPATCH_LEVEL) _Must_inspect_result_ CONNECTION *ConnectionCreate(PKEVENT Wake);
_IRQL_requires_max_(DISPATCH_LEVEL) VOID ConnectionDestroy(CONNECTION *Connection);

/* Begins to echo what comes over an accepted socket, which is the connection's from here on. */
_IRQL_requires_max_(PASSIVE_LEVEL) VOID
    ConnectionBegin(CONNECTION *Connection, PWSK_SOCKET Socket, volatile LONG64 *Bytes);

/* Goes on with what has completed, or closes. TRUE once it has closed, and nothing is with the provider. */
_IRQL_requires_max_(PASSIVE_LEVEL) _Must_inspect_result_ BOOLEAN
    ConnectionPoll(CONNECTION *Connection, BOOLEAN Stop);
