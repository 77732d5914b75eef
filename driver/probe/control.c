/*
 * control.c - control operations on clients and sockets.
 *
 * For most codes the IRP has to be NULL; WSK_TRANSPORT_LIST_CHANGE and the socket's take one.
 */
#include "control.h"
#include "capture.h"
#include "socketuse.h"

static PASSIVE_ROUTINE ControlSocketRun, ControlClientRun;
static OPERATION_CHECK ControlClientCheck;

#define SOL_SOCKET_LEVEL 0xFFFFu
#define LIST_ATTEMPTS    4u

/* {2227E803-8D8B-11D4-ABAD-009027719E09} */
static const GUID WskInterfaceId = {
    0x2227E803, 0x8D8B, 0x11D4, {0xAB, 0xAD, 0x00, 0x90, 0x27, 0x71, 0x9E, 0x09}};

/* The cached descriptor of each client, until it is released. */
static PVOID volatile CachedDescriptor[WSKT_MAX_CLIENTS];

/* A self-relative security descriptor without a DACL: who may, everybody may. */
static const UINT32 Everybody[] = {
    0x80000001,          /* revision 1, SE_SELF_RELATIVE */
    0,          0, 0, 0, /* neither owner, group, SACL nor DACL */
};

/* What a control call takes beside code and client. */
typedef struct CONTROL {
    SIZE_T InputSize;
    PVOID Input;
    SIZE_T OutputSize;
    PVOID Output;
    BOOLEAN WantsSize; /* OutputSizeReturned is given */
} CONTROL;

static NTSTATUS CallControl(const WSK_PROVIDER_NPI *Npi, ULONG Code, const CONTROL *Control, PENDING *Pending)
{
    return Npi->Dispatch->WskControlClient(Npi->Client, Code, Control->InputSize, Control->Input,
                                           Control->OutputSize, Control->Output,
                                           Control->WantsSize ? &Pending->OutputSize : NULL, Pending->Irp);
}

/* Which kinds of transports the list has. */
static UINT64 Transports(const PENDING *Pending)
{
    const WSK_TRANSPORT *transport = (const WSK_TRANSPORT *)(const VOID *)Pending->Data;
    UINT64 found = 0;

    for (SIZE_T i = 0; (i + 1) * sizeof(*transport) <= Pending->OutputSize &&
                       (i + 1) * sizeof(*transport) <= sizeof(Pending->Data);
         i++) {
        found |= transport[i].SocketType == SOCK_STREAM && transport[i].Protocol == IPPROTO_TCP ? 1u : 0u;
        found |= transport[i].SocketType == SOCK_DGRAM && transport[i].Protocol == IPPROTO_UDP ? 2u : 0u;
    }
    return found;
}

static NTSTATUS QueryList(const UINT64 *Arg, const WSK_PROVIDER_NPI *Npi, PENDING *Pending,
                          WSKT_RESULT *Result)
{
    CONTROL control = {.WantsSize = TRUE, .OutputSize = Arg[2]};
    NTSTATUS status;

    control.Output = control.OutputSize != 0 ? Pending->Data : NULL;
    status = CallControl(Npi, WSK_TRANSPORT_LIST_QUERY, &control, Pending);
    for (UINT32 i = 0; i < LIST_ATTEMPTS && status == STATUS_BUFFER_OVERFLOW &&
                       (Arg[4] & WSKT_SOCKET_RETRY) != 0 && Pending->OutputSize <= sizeof(Pending->Data);
         i++) {
        control.OutputSize = Pending->OutputSize;
        control.Output = Pending->Data;
        status = CallControl(Npi, WSK_TRANSPORT_LIST_QUERY, &control, Pending);
    }
    if (NT_SUCCESS(status)) {
        Result->Value[WSKT_V_SOCKET_TRANSPORTS] = Transports(Pending);
    }
    return status;
}

static NTSTATUS CacheDescriptor(UINT32 Client, const WSK_PROVIDER_NPI *Npi, PENDING *Pending)
{
    PVOID uncached = (PVOID)Everybody;
    PVOID cached = NULL;
    CONTROL control = {sizeof(uncached), &uncached, sizeof(cached), &cached, FALSE};
    NTSTATUS status = CallControl(Npi, WSK_CACHE_SD, &control, Pending);

    if (NT_SUCCESS(status)) {
        CachedDescriptor[Client] = cached;
    }
    return status;
}

static NTSTATUS ReleaseDescriptor(UINT32 Client, const WSK_PROVIDER_NPI *Npi, PENDING *Pending)
{
    PVOID cached = InterlockedExchangePointer(&CachedDescriptor[Client], NULL);
    CONTROL control = {sizeof(cached), &cached, 0, NULL, FALSE};

    return CallControl(Npi, WSK_RELEASE_SD, &control, Pending);
}

static NTSTATUS SetStaticCallbacks(UINT32 Mask, const WSK_PROVIDER_NPI *Npi, PENDING *Pending)
{
    WSK_EVENT_CALLBACK_CONTROL callbacks = {&WskInterfaceId, Mask};
    CONTROL control = {sizeof(callbacks), &callbacks, 0, NULL, FALSE};

    return CallControl(Npi, WSK_SET_STATIC_EVENT_CALLBACKS, &control, Pending);
}

static NTSTATUS SetTdiBehavior(UINT32 Behavior, const WSK_PROVIDER_NPI *Npi, PENDING *Pending)
{
    ULONG value = Behavior;
    CONTROL control = {sizeof(value), &value, 0, NULL, FALSE};

    return CallControl(Npi, WSK_TDI_BEHAVIOR, &control, Pending);
}

static NTSTATUS ControlClientCheck(const STEP_CALL *Call)
{
    const UINT64 *arg = Call->Step.Arg;

    return Sound(SocketBounds(Call) && IsClient(Call, arg[0]) && arg[1] >= WSK_TRANSPORT_LIST_QUERY &&
                 arg[1] <= WSK_TDI_BEHAVIOR && arg[1] != WSK_TDI_DEVICENAME_MAPPING &&
                 arg[2] <= (arg[1] == WSK_TRANSPORT_LIST_QUERY ? WSKT_SOCKET_BYTES : 0xFFFFFFFF));
}

static VOID ControlClientRun(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    const UINT64 *arg = Call->Step.Arg;
    UINT32 client = ClientArg(Call, 0);
    UINT32 value = (UINT32)arg[2];
    WSK_PROVIDER_NPI npi;
    PENDING *pending;
    NTSTATUS status;

    if (arg[1] == WSK_RELEASE_SD && CachedDescriptor[client] == NULL) {
        Refuse(Result, STATUS_INVALID_DEVICE_STATE); /* there is none to release */
        return;
    }
    if (!CaptureEnter(client, &npi)) {
        Refuse(Result, STATUS_INVALID_DEVICE_STATE);
        return;
    }
    pending = PendingCreate(Call->Step.Op, OWNER_CLIENT | client, NO_SOCKET,
                            arg[1] == WSK_TRANSPORT_LIST_CHANGE || DEFECT(IRP_GIVEN));
    if (pending == NULL) {
        CaptureLeave(client);
        Refuse(Result, STATUS_INSUFFICIENT_RESOURCES);
        return;
    }
    switch (arg[1]) {
    case WSK_TRANSPORT_LIST_QUERY: status = QueryList(arg, &npi, pending, Result); break;
    case WSK_TRANSPORT_LIST_CHANGE: {
        const CONTROL nothing = {0};

        status = CallControl(&npi, WSK_TRANSPORT_LIST_CHANGE, &nothing, pending);
        break;
    }
    case WSK_CACHE_SD: status = CacheDescriptor(client, &npi, pending); break;
    case WSK_RELEASE_SD: status = ReleaseDescriptor(client, &npi, pending); break;
    case WSK_SET_STATIC_EVENT_CALLBACKS: status = SetStaticCallbacks(value, &npi, pending); break;
    default: status = SetTdiBehavior(value, &npi, pending); break;
    }
    CaptureLeave(client);
    PendingSettle(pending, status, SocketWait(Call), FALSE, Result);
}

/* The basic table is the first part of every other. */
static NTSTATUS SetEvents(PWSK_SOCKET Socket, WSK_EVENT_CALLBACK_CONTROL *Callbacks, PIRP Irp)
{
    const WSK_PROVIDER_BASIC_DISPATCH *dispatch = Socket->Dispatch;

    return dispatch->WskControlSocket(Socket, WskSetOption, SO_WSK_EVENT_CALLBACK, SOL_SOCKET_LEVEL,
                                      sizeof(*Callbacks), Callbacks, 0, NULL, NULL, Irp);
}

static VOID ControlSocketRun(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    WSK_EVENT_CALLBACK_CONTROL *callbacks;
    SOCKET_USE use;

    if (SocketUseBegin(&use, Call, ANY_KIND, Result)) {
        callbacks = &use.Pending->Callbacks;
        callbacks->NpiId = &WskInterfaceId;
        callbacks->EventMask = (ULONG)Call->Step.Arg[1];
        SocketUseEnd(&use, SetEvents(use.Socket, callbacks, use.Pending->Irp), Result);
    }
}

NTSTATUS ControlDisableEvent(PWSK_SOCKET Socket, ULONG Event)
{
    WSK_EVENT_CALLBACK_CONTROL callbacks = {&WskInterfaceId, Event | WSK_EVENT_DISABLE};

    return SetEvents(Socket, &callbacks, NULL); /* without an IRP it is read before the call returns */
}

const OPERATION ControlSocketOperation = {ControlSocketRun, SocketCheck, LEVEL_PASSIVE};
const OPERATION ControlClientOperation = {ControlClientRun, ControlClientCheck, LEVEL_PASSIVE};
