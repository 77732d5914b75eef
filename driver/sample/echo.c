/*
 * echo.c - the echo server's loop and its connections.
 */
#include "echo.h"
#include "failure.h"

#define BUFFER_BYTES    4096u
#define MAX_CONNECTIONS 32u
#define ACCEPT_PAUSE_MS 50u /* after a failed accept, so that one that always fails does not spin */

typedef enum PHASE {
    RECEIVING,
    SENDING,
    DISCONNECTING,
    CLOSING,
} PHASE;

typedef struct CONNECTION {
    struct CONNECTION *Next;
    PWSK_SOCKET Socket;
    PHASE Phase;
    SOCKET_CALL Transfer; /* receive, send, disconnect */
    SOCKET_CALL Close;    /* of its own: a close completes the transfer that is pending */
    PMDL Mdl;             /* of Buffer */
    ULONG Length;         /* received */
    ULONG Sent;           /* of that */
    UINT8 Buffer[BUFFER_BYTES];
} CONNECTION;

VOID EchoInitialize(ECHO *Echo)
{
    RtlZeroMemory(Echo, sizeof(*Echo));
    KeInitializeEvent(&Echo->Wake, SynchronizationEvent, FALSE);
}

static VOID DestroyConnection(CONNECTION *Connection)
{
    if (Connection->Mdl != NULL) {
        IoFreeMdl(Connection->Mdl);
        PoolCount(POOL_COMPONENT, -1);
    }
    CallDestroy(&Connection->Close);
    CallDestroy(&Connection->Transfer);
    PoolFree(POOL_COMPONENT, Connection);
}

static CONNECTION *CreateConnection(PKEVENT Wake)
{
    CONNECTION *connection = PoolAllocate(POOL_COMPONENT, sizeof(*connection));

    if (connection == NULL) {
        return NULL;
    }
    connection->Mdl = FailHere() ? NULL : IoAllocateMdl(connection->Buffer, BUFFER_BYTES, FALSE, FALSE, NULL);
    if (connection->Mdl != NULL) {
        PoolCount(POOL_COMPONENT, 1);
        MmBuildMdlForNonPagedPool(connection->Mdl);
        if (NT_SUCCESS(CallCreate(&connection->Transfer, Wake)) &&
            NT_SUCCESS(CallCreate(&connection->Close, Wake))) {
            return connection;
        }
    }
    DestroyConnection(connection);
    return NULL;
}

/* Undoes EchoOpen, once nothing is with the provider any more. */
static VOID EchoFree(ECHO *Echo)
{
    if (Echo->Next != NULL) {
        DestroyConnection(Echo->Next);
        Echo->Next = NULL;
    }
    CallDestroy(&Echo->Close);
    CallDestroy(&Echo->Accept);
}

static const WSK_PROVIDER_CONNECTION_DISPATCH *ConnectionDispatch(const CONNECTION *Connection)
{
    return Connection->Socket->Dispatch;
}

static VOID StartReceive(CONNECTION *Connection)
{
    WSK_BUF buffer = {Connection->Mdl, 0, BUFFER_BYTES};

    Connection->Phase = RECEIVING;
    CallBegun(&Connection->Transfer,
              ConnectionDispatch(Connection)
                  ->WskReceive(Connection->Socket, &buffer, 0, CallPrepare(&Connection->Transfer)));
}

static VOID StartSend(CONNECTION *Connection)
{
    WSK_BUF buffer = {Connection->Mdl, Connection->Sent, Connection->Length - Connection->Sent};

    Connection->Phase = SENDING;
    CallBegun(&Connection->Transfer,
              ConnectionDispatch(Connection)
                  ->WskSend(Connection->Socket, &buffer, 0, CallPrepare(&Connection->Transfer)));
}

/* Without it, the close that follows would reset the connection. */
static VOID StartDisconnect(CONNECTION *Connection)
{
    Connection->Phase = DISCONNECTING;
    CallBegun(&Connection->Transfer,
              ConnectionDispatch(Connection)
                  ->WskDisconnect(Connection->Socket, NULL, 0, CallPrepare(&Connection->Transfer)));
}

static VOID StartClose(CONNECTION *Connection)
{
    Connection->Phase = CLOSING;
    CallBegun(&Connection->Close,
              ConnectionDispatch(Connection)
                  ->Basic.WskCloseSocket(Connection->Socket, CallPrepare(&Connection->Close)));
}

/* What a completed transfer leads to. */
static VOID Advance(ECHO *Echo, CONNECTION *Connection)
{
    SOCKET_CALL *transfer = &Connection->Transfer;
    ULONG bytes = (ULONG)transfer->Information;

    if (Connection->Phase == CLOSING) {
        return; /* the transfer that the close has cancelled */
    }
    if (!NT_SUCCESS(transfer->Status) || Connection->Phase == DISCONNECTING) {
        StartClose(Connection);
    } else if (Connection->Phase == RECEIVING) {
        Connection->Length = bytes <= BUFFER_BYTES ? bytes : BUFFER_BYTES;
        Connection->Sent = 0;
        if (Connection->Length == 0) {
            StartDisconnect(Connection); /* the peer has sent all that it will */
        } else {
            /* The peer may have them before the driver hears that they were sent: they are counted now. */
            (VOID) InterlockedExchangeAdd64(&Echo->Bytes, Connection->Length);
            StartSend(Connection);
        }
    } else if (bytes == 0 || bytes > Connection->Length - Connection->Sent) {
        StartClose(Connection); /* an answer that can't be */
    } else {
        Connection->Sent += bytes;
        if (Connection->Sent < Connection->Length) {
            StartSend(Connection);
        } else {
            StartReceive(Connection);
        }
    }
}

/* Whether the connection has closed, and nothing of it is with the provider. */
static BOOLEAN PollConnection(ECHO *Echo, CONNECTION *Connection)
{
    /* A transfer may complete at once, many times in a row: then it is polled again, not waited for. */
    if (CallTake(&Connection->Transfer)) {
        Advance(Echo, Connection);
        (VOID) KeSetEvent(&Echo->Wake, IO_NO_INCREMENT, FALSE);
    }
    if (Echo->Stop && Connection->Phase != CLOSING) {
        StartClose(Connection);
    }
    if (Connection->Phase != CLOSING || CallPending(&Connection->Transfer) || !CallTake(&Connection->Close)) {
        return FALSE;
    }
    (VOID) CallTake(&Connection->Transfer);
    if (NT_SUCCESS(Connection->Close.Status)) {
        SocketCount(-1);
    }
    return TRUE;
}

static VOID PollConnections(ECHO *Echo)
{
    CONNECTION **link = &Echo->First;

    while (*link != NULL) {
        CONNECTION *connection = *link;

        if (PollConnection(Echo, connection)) {
            *link = connection->Next;
            Echo->Connections--;
            DestroyConnection(connection);
        } else {
            link = &connection->Next;
        }
    }
}

static const WSK_PROVIDER_LISTEN_DISPATCH *ListenDispatch(const ECHO *Echo)
{
    return Echo->Listener.Socket->Dispatch;
}

/*
 * The place for a connection is made before it is accepted, so that an accepted socket is never
 * without an owner. At the limit, connections wait in the backlog.
 */
static VOID StartAccept(ECHO *Echo)
{
    if (Echo->Next == NULL && Echo->Connections < MAX_CONNECTIONS) {
        Echo->Next = CreateConnection(&Echo->Wake);
    }
    if (Echo->Next == NULL) {
        Echo->AcceptAgain = DeadlineIn(ACCEPT_PAUSE_MS);
    } else {
        CallBegun(&Echo->Accept, ListenDispatch(Echo)->WskAccept(Echo->Listener.Socket, 0, NULL, NULL, NULL,
                                                                 NULL, CallPrepare(&Echo->Accept)));
    }
}

static VOID TakeAccepted(ECHO *Echo)
{
    CONNECTION *connection = Echo->Next;

    if (!NT_SUCCESS(Echo->Accept.Status)) {
        /* The peer has gone again, or memory is short, or the listener is closing. */
        Echo->AcceptAgain = DeadlineIn(ACCEPT_PAUSE_MS);
        return;
    }
    Echo->Next = NULL;
    connection->Socket = (PWSK_SOCKET)Echo->Accept.Information;
    connection->Next = Echo->First;
    Echo->First = connection;
    Echo->Connections++;
    (VOID) InterlockedIncrement(&Echo->Accepted);
    SocketCount(1);
    StartReceive(connection);
}

static VOID CloseListener(ECHO *Echo)
{
    PFN_WSK_CLOSE_SOCKET close = ListenDispatch(Echo)->Basic.WskCloseSocket;

    CallBegun(&Echo->Close, close(Echo->Listener.Socket, CallPrepare(&Echo->Close)));
    if (DEFECT(DOUBLE_CLOSE)) {
        (VOID) CallWait(&Echo->Close);
        CallBegun(&Echo->Close, close(Echo->Listener.Socket, CallPrepare(&Echo->Close)));
    }
}

/* Whether the listener is closed. */
static BOOLEAN PollListener(ECHO *Echo)
{
    if (Echo->Listener.Socket == NULL) {
        return TRUE;
    }
    if (CallTake(&Echo->Accept)) {
        TakeAccepted(Echo);
    }
    if (!Echo->Stop) {
        if (!CallPending(&Echo->Accept) && DeadlineLeft(Echo->AcceptAgain) == 0) {
            StartAccept(Echo);
        }
        return FALSE;
    }
    if (!Echo->Closing) {
        Echo->Closing = TRUE;
        CloseListener(Echo);
    }
    if (CallPending(&Echo->Accept) || !CallTake(&Echo->Close)) {
        return FALSE;
    }
    if (CallTake(&Echo->Accept)) {
        TakeAccepted(Echo); /* it was accepted just before the close */
    }
    if (NT_SUCCESS(Echo->Close.Status)) {
        SocketCount(-1);
    }
    Echo->Listener.Socket = NULL;
    return TRUE;
}

NTSTATUS EchoOpen(ECHO *Echo, const WSK_PROVIDER_NPI *Npi)
{
    NTSTATUS status = CallCreate(&Echo->Accept, &Echo->Wake);

    if (NT_SUCCESS(status)) {
        status = CallCreate(&Echo->Close, &Echo->Wake);
    }
    if (NT_SUCCESS(status)) {
        status = ListenerOpen(&Echo->Listener, Npi, &Echo->Close);
    }
    if (!NT_SUCCESS(status)) {
        EchoFree(Echo);
    }
    return status;
}

VOID EchoServe(ECHO *Echo)
{
    for (;;) {
        BOOLEAN closed = PollListener(Echo);
        UINT32 retry = DeadlineLeft(Echo->AcceptAgain);

        PollConnections(Echo);
        if (closed && Echo->First == NULL) {
            break;
        }
        /* No limit but that of a failed accept: a completion or Stop ends the wait. */
        (VOID) WaitFor(&Echo->Wake, retry != 0 ? retry : WAIT_FOREVER);
    }
    EchoFree(Echo);
}
