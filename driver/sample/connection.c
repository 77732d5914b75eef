/* connection.c - an accepted connection: what it receives, it sends back. */
#include "connection.h"
#include "pool.h"

VOID ConnectionDestroy(CONNECTION *Connection)
{
    if (Connection->Mdl != NULL) {
        PoolFreeMdl(POOL_SERVER, Connection->Mdl);
    }
    CallDestroy(&Connection->Close);
    CallDestroy(&Connection->Transfer);
    PoolFree(POOL_SERVER, Connection);
}

CONNECTION *ConnectionCreate(PKEVENT Wake)
{
    CONNECTION *connection = PoolAllocate(POOL_SERVER, sizeof(*connection));

    if (connection == NULL) {
        return NULL;
    }
    connection->Mdl = PoolMdl(POOL_SERVER, connection->Buffer, CONNECTION_BYTES);
    if (connection->Mdl != NULL && NT_SUCCESS(CallCreate(&connection->Transfer, Wake)) &&
        NT_SUCCESS(CallCreate(&connection->Close, Wake))) {
        return connection;
    }
    ConnectionDestroy(connection);
    return NULL;
}

static const WSK_PROVIDER_CONNECTION_DISPATCH *ConnectionDispatch(const CONNECTION *Connection)
{
    return Connection->Socket->Dispatch;
}

static VOID StartReceive(CONNECTION *Connection)
{
    WSK_BUF buffer = {Connection->Mdl, 0, CONNECTION_BYTES};

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
static VOID Advance(CONNECTION *Connection)
{
    SOCKET_CALL *transfer = &Connection->Transfer;
    ULONG bytes = (ULONG)transfer->Information;

    if (Connection->Phase == CLOSING) {
        return; /* the transfer that the close has cancelled */
    }
    if (!NT_SUCCESS(transfer->Status) || Connection->Phase == DISCONNECTING) {
        StartClose(Connection);
    } else if (Connection->Phase == RECEIVING) {
        Connection->Length = bytes <= CONNECTION_BYTES ? bytes : CONNECTION_BYTES;
        Connection->Sent = 0;
        if (Connection->Length == 0) {
            StartDisconnect(Connection); /* the peer has sent all that it will */
        } else {
            /* The peer may have them before the driver hears that they were sent: they are counted now. */
            (VOID) InterlockedExchangeAdd64(Connection->Bytes, Connection->Length);
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

BOOLEAN ConnectionPoll(CONNECTION *Connection, BOOLEAN Stop)
{
    /* A transfer may complete at once, many times in a row: then it is polled again, not waited for. */
    if (CallTake(&Connection->Transfer)) {
        Advance(Connection);
        (VOID) KeSetEvent(Connection->Transfer.Wake, IO_NO_INCREMENT, FALSE);
    }
    if (Stop && Connection->Phase != CLOSING) {
        StartClose(Connection);
    }
    if (Connection->Phase != CLOSING || CallPending(&Connection->Transfer) || !CallTake(&Connection->Close)) {
        return FALSE;
    }
    (VOID) CallTake(&Connection->Transfer);
    if (NT_SUCCESS(Connection->Close.Status)) {
        SocketsCount(-1);
    }
    return TRUE;
}

VOID ConnectionBegin(CONNECTION *Connection, PWSK_SOCKET Socket, volatile LONG64 *Bytes)
{
    Connection->Socket = Socket;
    Connection->Bytes = Bytes;
    SocketsCount(1);
    StartReceive(Connection);
}
