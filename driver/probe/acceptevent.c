/* acceptevent.c - the callback of listening sockets that have one. */
#include "socketuse.h"
#include "acceptevent.h"
#include "control.h"
#include "namedsocket.h"

static PASSIVE_ROUTINE EventsRun;

/* Unused by the sockets that the callback accepts: no event is enabled on them. */
static const WSK_CLIENT_CONNECTION_DISPATCH NoEvents;

/* WSK_CLIENT_LISTEN_DISPATCH.WskAcceptEvent. */
_IRQL_requires_max_(DISPATCH_LEVEL) static NTSTATUS WSKAPI
    AcceptEvent(PVOID Context, ULONG Flags, PSOCKADDR Local, PSOCKADDR Remote, PWSK_SOCKET Accepted,
                PVOID *AcceptedContext, const WSK_CLIENT_CONNECTION_DISPATCH **AcceptedDispatch)
{
    NAMED_SOCKET *named = Context;
    NTSTATUS status = STATUS_REQUEST_NOT_ACCEPTED;

    UNREFERENCED_PARAMETER(Flags);
    UNREFERENCED_PARAMETER(Local);
    UNREFERENCED_PARAMETER(Remote);
    if (Accepted == NULL) {
        return status; /* the listening socket is about to go: there is nothing to accept */
    }
    if ((named->EventOptions & WSKT_SOCKET_EVENT_DISABLE) != 0 && !DEFECT(EVENT_LEFT_ENABLED)) {
        (VOID)
            InterlockedExchange(&named->Disabled, (LONG)ControlDisableEvent(named->Socket, WSK_EVENT_ACCEPT));
    } else if ((named->EventOptions & WSKT_SOCKET_EVENT_ACCEPT) != 0 &&
               NamedSocketReserve(named->EventSocket, WSK_FLAG_CONNECTION_SOCKET, named->Family)) {
        *AcceptedContext = NamedSocketAt(named->EventSocket);
        *AcceptedDispatch = &NoEvents;
        NamedSocketOpened(named->EventSocket, Accepted);
        status = STATUS_SUCCESS;
    }
    (VOID) InterlockedIncrement(&named->Events);
    (VOID) KeSetEvent(&named->Happened, IO_NO_INCREMENT, FALSE);
    return status;
}

const WSK_CLIENT_LISTEN_DISPATCH AcceptEventDispatch = {AcceptEvent, NULL, NULL};

/* Waits until the event callback was called so often. */
static VOID EventsRun(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    NAMED_SOCKET *named = NamedSocketAt(SocketArg(Call, 0));
    UINT32 count = (UINT32)Call->Step.Arg[1];
    UINT64 deadline = DeadlineIn(WithinBatch(Call, Call->Step.Arg[5]));

    while ((UINT32)named->Events < count && DeadlineLeft(deadline) != 0) {
        (VOID) WaitFor(&named->Happened, DeadlineLeft(deadline));
    }
    Result->Status = (UINT32)((UINT32)named->Events >= count ? STATUS_SUCCESS : STATUS_TIMEOUT);
    Result->Value[WSKT_V_SOCKET_EVENTS] = (UINT32)named->Events;
    Result->Value[WSKT_V_SOCKET_DISABLED] = (UINT32)named->Disabled;
}

const OPERATION EventsOperation = {EventsRun, SocketCheck, LEVEL_PASSIVE};
