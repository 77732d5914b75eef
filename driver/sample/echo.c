/* echo.c - the echo server's loop: accepts, serves its connections, closes everything. */
#include "echo.h"
#include "clock.h"

#define MAX_CONNECTIONS 32u
#define ACCEPT_PAUSE_MS 50u /* after a failed accept, so that one that always fails does not spin */

VOID EchoInitialize(ECHO *Echo)
{
    RtlZeroMemory(Echo, sizeof(*Echo));
    KeInitializeEvent(&Echo->Wake, SynchronizationEvent, FALSE);
}

/* Undoes EchoOpen, once nothing is with the provider any more. */
static VOID EchoFree(ECHO *Echo)
{
    if (Echo->Next != NULL) {
        ConnectionDestroy(Echo->Next);
        Echo->Next = NULL;
    }
    CallDestroy(&Echo->Close);
    CallDestroy(&Echo->Accept);
}

static VOID PollConnections(ECHO *Echo)
{
    CONNECTION **link = &Echo->First;

    while (*link != NULL) {
        CONNECTION *connection = *link;

        if (ConnectionPoll(connection, Echo->Stop != 0)) {
            *link = connection->Next;
            Echo->Connections--;
            ConnectionDestroy(connection);
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
        Echo->Next = ConnectionCreate(&Echo->Wake);
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
    connection->Next = Echo->First;
    Echo->First = connection;
    Echo->Connections++;
    (VOID) InterlockedIncrement(&Echo->Accepted);
    ConnectionBegin(connection, (PWSK_SOCKET)Echo->Accept.Information, &Echo->Bytes);
}

static VOID StartListenerClose(ECHO *Echo)
{
    PFN_WSK_CLOSE_SOCKET close = ListenDispatch(Echo)->Basic.WskCloseSocket;

    CallBegun(&Echo->Close, close(Echo->Listener.Socket, CallPrepare(&Echo->Close)));
    MISTAKE(DOUBLE_CLOSE, (VOID)CallWait(&Echo->Close),
            CallBegun(&Echo->Close, close(Echo->Listener.Socket, CallPrepare(&Echo->Close))));
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
        StartListenerClose(Echo);
    }
    if (CallPending(&Echo->Accept) || !CallTake(&Echo->Close)) {
        return FALSE;
    }
    if (CallTake(&Echo->Accept)) {
        TakeAccepted(Echo); /* it was accepted just before the close */
    }
    if (NT_SUCCESS(Echo->Close.Status)) {
        SocketsCount(-1);
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

VOID EchoStop(ECHO *Echo)
{
    (VOID) InterlockedExchange(&Echo->Stop, 1);
    (VOID) KeSetEvent(&Echo->Wake, IO_NO_INCREMENT, FALSE);
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
