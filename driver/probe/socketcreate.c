/* socketcreate.c - WskSocket and WskSocketConnect. */
#include "stepcall.h"
#include "acceptevent.h"
#include "capture.h"
#include "socketuse.h"

static PASSIVE_ROUTINE CreateRun, CreateConnectedRun;
static OPERATION_CHECK CreateCheck, CreateConnectedCheck;

/* A socket to be made. */
typedef struct CREATION {
    UINT32 Client;
    UINT32 Index;
    WSK_PROVIDER_NPI Npi;
    PENDING *Pending;
} CREATION;

/* Undoes Begin, as far as that came: the call was not made. */
static VOID AbandonCreation(const CREATION *Creation, NTSTATUS Status, WSKT_RESULT *Result)
{
    if (Creation->Pending != NULL) {
        PendingDestroy(Creation->Pending);
    }
    if (Creation->Npi.Dispatch != NULL) {
        CaptureLeave(Creation->Client);
    }
    NamedSocketOpened(Creation->Index, NULL);
    Refuse(Result, Status);
}

/* Reserves the name, enters the client's NPI, makes the operation. FALSE: the step is refused. */
static BOOLEAN BeginCreation(CREATION *Creation, const STEP_CALL *Call, UINT32 Kind, UINT16 Family,
                             WSKT_RESULT *Result)
{
    RtlZeroMemory(Creation, sizeof(*Creation));
    Creation->Client = ClientArg(Call, 0);
    Creation->Index = SocketArg(Call, 1);
    if (!NamedSocketReserve(Creation->Index, Kind, Family)) {
        Refuse(Result, STATUS_OBJECT_NAME_COLLISION);
        return FALSE;
    }
    if (!CaptureEnter(Creation->Client, &Creation->Npi)) {
        AbandonCreation(Creation, STATUS_INVALID_DEVICE_STATE, Result);
        return FALSE;
    }
    Creation->Pending = PendingCreate(Call->Step.Op, Creation->Index, Creation->Index, HasIrp(Call));
    if (Creation->Pending == NULL) {
        AbandonCreation(Creation, STATUS_INSUFFICIENT_RESOURCES, Result);
    }
    return Creation->Pending != NULL;
}

static BOOLEAN IsKind(UINT64 Kind)
{
    return Kind <= WSK_FLAG_STREAM_SOCKET && (Kind & (Kind - 1)) == 0; /* at most one of the flags */
}

static NTSTATUS CreateCheck(const STEP_CALL *Call)
{
    const UINT64 *arg = Call->Step.Arg;
    UINT64 event = arg[2] >> 8;

    return Sound(SocketBounds(Call) && IsClient(Call, arg[0]) && IsSocket(Call, arg[1]) &&
                 IsKind(arg[2] & 0xFF) && (event == 0 || IsSocket(Call, event - 1)) &&
                 ((arg[4] & WSKT_SOCKET_EVENT_ACCEPT) == 0 || event != 0));
}

static VOID CreateRun(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    const UINT64 *arg = Call->Step.Arg;
    UINT32 options = (UINT32)arg[4];
    UINT32 kind = (UINT32)arg[2] & 0xFF;
    UINT32 event = (UINT32)(arg[2] >> 8);
    BOOLEAN anonymous = (options & WSKT_SOCKET_NULL_CLIENT) != 0;
    NAMED_SOCKET *context = NULL;
    const VOID *dispatch = NULL;
    NAMED_SOCKET *named;
    CREATION creation;
    NTSTATUS status;

    if (!BeginCreation(&creation, Call, kind, (UINT16)arg[3], Result)) {
        return;
    }
    /* The socket may be used as soon as its IRP completes, so its callbacks are settled before the call. */
    named = NamedSocketAt(creation.Index);
    named->EventOptions =
        options & (WSKT_SOCKET_EVENT_ACCEPT | WSKT_SOCKET_EVENT_REJECT | WSKT_SOCKET_EVENT_DISABLE);
    named->EventSocket = event != 0 ? event - 1 + Call->SocketShift : NO_SOCKET;
    if (named->EventOptions != 0) {
        context = named;
        dispatch = &AcceptEventDispatch;
    }
    status = creation.Npi.Dispatch->WskSocket(anonymous ? NULL : creation.Npi.Client, (UINT16)arg[3],
                                              (UINT16)(arg[3] >> 16), (UINT32)(arg[3] >> 32), kind, context,
                                              dispatch, NULL, NULL, NULL, creation.Pending->Irp);
    CaptureLeave(creation.Client);
    PendingSettle(creation.Pending, status, anonymous ? 0 : SocketWait(Call), anonymous, Result);
}

static NTSTATUS CreateConnectedCheck(const STEP_CALL *Call)
{
    const UINT64 *arg = Call->Step.Arg;

    return Sound(SocketBounds(Call) && IsClient(Call, arg[0]) && IsSocket(Call, arg[1]) &&
                 IsSocket(Call, arg[2]));
}

static VOID CreateConnectedRun(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    BOOLEAN anonymous = (Call->Step.Arg[4] & WSKT_SOCKET_NULL_CLIENT) != 0;
    UINT32 other = SocketArg(Call, 2);
    CREATION creation;
    PENDING *pending;
    NTSTATUS status;

    if (!BeginCreation(&creation, Call, WSK_FLAG_CONNECTION_SOCKET, AF_INET, Result)) {
        return;
    }
    pending = creation.Pending;
    if (!AddressOf(other, &pending->Remote)) {
        AbandonCreation(&creation, STATUS_INVALID_DEVICE_STATE, Result);
        return;
    }
    LoopbackAddress(&pending->Address, NamedSocketAt(other)->Family, 0);
    status = creation.Npi.Dispatch->WskSocketConnect(creation.Npi.Client, SOCK_STREAM, IPPROTO_TCP,
                                                     &pending->Address.Any, &pending->Remote.Any, 0, NULL,
                                                     NULL, NULL, NULL, NULL, pending->Irp);
    CaptureLeave(creation.Client);
    PendingSettle(pending, status, anonymous ? 0 : SocketWait(Call), anonymous, Result);
}

const OPERATION CreateOperation = {CreateRun, CreateCheck, LEVEL_PASSIVE};
const OPERATION CreateConnectedOperation = {CreateConnectedRun, CreateConnectedCheck, LEVEL_PASSIVE};
