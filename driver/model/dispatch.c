/*
 * dispatch.c - the provider dispatch: WskSocket, WskSocketConnect, WskControlClient, and the name
 * functions. Each call references its client, so that WskDeregister waits for it.
 */
#include "call.h"

static const struct TRANSPORT {
    USHORT Type;
    ULONG Protocol;
} Transports[] = {{SOCK_STREAM, IPPROTO_TCP}, {SOCK_DGRAM, IPPROTO_UDP}};

static const ADDRESS_FAMILY Families[] = {AF_INET, AF_INET6};

#define TRANSPORTS (sizeof(Transports) / sizeof(Transports[0]) * (sizeof(Families) / sizeof(Families[0])))

/* What WSK_CACHE_SD hands out stands for the descriptor, and goes back with WSK_RELEASE_SD. */
typedef struct CACHED_SD {
    UINT64 Magic;
} CACHED_SD;

#define CACHED_SD_MAGIC 0x4453646568636143ull

_IRQL_requires_max_(DISPATCH_LEVEL) static NTSTATUS
    ListTransports(SIZE_T OutputSize, PVOID OutputBuffer, SIZE_T *OutputSizeReturned)
{
    WSK_TRANSPORT *list = OutputBuffer;
    SIZE_T count = SeamTransports(TRANSPORTS);
    SIZE_T bytes = count * sizeof(WSK_TRANSPORT);

    if (OutputSizeReturned == NULL) {
        return STATUS_INVALID_PARAMETER;
    }
    *OutputSizeReturned = bytes;
    if (OutputSize < bytes || list == NULL) {
        return STATUS_BUFFER_OVERFLOW;
    }
    RtlZeroMemory(list, bytes);
    for (SIZE_T i = 0; i < count; i++) {
        list[i].Version = Model.Highest;
        list[i].SocketType = Transports[i / 2].Type;
        list[i].Protocol = Transports[i / 2].Protocol;
        list[i].AddressFamily = Families[i % 2];
    }
    return STATUS_SUCCESS;
}

_IRQL_requires_max_(DISPATCH_LEVEL) static NTSTATUS
    CacheDescriptor(SIZE_T InputSize, const VOID *InputBuffer, SIZE_T OutputSize, PVOID OutputBuffer,
                    SIZE_T *OutputSizeReturned)
{
    CACHED_SD *cached;

    if (InputSize < sizeof(PVOID) || InputBuffer == NULL || OutputSize < sizeof(PVOID) ||
        OutputBuffer == NULL) {
        return STATUS_INVALID_PARAMETER;
    }
    cached = ModelAllocate(sizeof(*cached));
    if (cached == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    cached->Magic = CACHED_SD_MAGIC;
    *(PVOID *)OutputBuffer = cached;
    if (OutputSizeReturned != NULL) {
        *OutputSizeReturned = sizeof(PVOID);
    }
    return STATUS_SUCCESS;
}

_IRQL_requires_max_(DISPATCH_LEVEL) static NTSTATUS ReleaseDescriptor(SIZE_T InputSize, PVOID InputBuffer)
{
    CACHED_SD *cached;

    if (InputSize < sizeof(PVOID) || InputBuffer == NULL) {
        return STATUS_INVALID_PARAMETER;
    }
    cached = *(PVOID *)InputBuffer;
    if (cached == NULL || cached->Magic != CACHED_SD_MAGIC) {
        return STATUS_INVALID_PARAMETER;
    }
    cached->Magic = 0;
    ExFreePoolWithTag(cached, MODEL_TAG);
    return STATUS_SUCCESS;
}

/* Before any socket, and for the events that are there. */
_IRQL_requires_max_(DISPATCH_LEVEL) static NTSTATUS
    SetStaticEvents(CLIENT *Client, SIZE_T InputSize, const VOID *InputBuffer)
{
    const ULONG known = WSK_EVENT_RECEIVE_FROM | WSK_EVENT_ACCEPT | WSK_EVENT_SEND_BACKLOG |
                        WSK_EVENT_RECEIVE | WSK_EVENT_DISCONNECT;
    const WSK_EVENT_CALLBACK_CONTROL *control = InputBuffer;
    BOOLEAN early;
    KIRQL irql;

    if (InputSize < sizeof(*control) || control == NULL || control->NpiId == NULL ||
        (control->EventMask & ~known) != 0) {
        return STATUS_INVALID_PARAMETER;
    }
    KeAcquireSpinLock(&Model.Lock, &irql);
    early = Client->Sockets == 0;
    if (early) {
        Client->StaticEvents = SeamStaticEvents(control->EventMask);
    }
    KeReleaseSpinLock(&Model.Lock, irql);
    return early ? STATUS_SUCCESS : STATUS_INVALID_DEVICE_STATE;
}

/* The client wants its WSK_TRANSPORT_LIST_CHANGE back. The cancel lock is held at entry. */
_IRQL_requires_(DISPATCH_LEVEL) static VOID NTAPI CancelChange(PDEVICE_OBJECT Device, PIRP Irp)
{
    CLIENT *client = Irp->Tail.Overlay.DriverContext[0];
    KIRQL irql;

    UNREFERENCED_PARAMETER(Device);
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    KeAcquireSpinLock(&Model.Lock, &irql);
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry); /* or from itself: see Cancel in registration.c */
    KeReleaseSpinLock(&Model.Lock, irql);
    IrpFinish(Irp, STATUS_CANCELLED, 0);
    ClientLeave(client);
}

/* Pending until WskDeregister cancels it: in the model, the transports never change. */
_IRQL_requires_max_(DISPATCH_LEVEL) static NTSTATUS AwaitChange(CLIENT *Client, PIRP Irp)
{
    BOOLEAN pending;
    KIRQL irql;

    (VOID) IrpPend(Irp);
    KeAcquireSpinLock(&Model.Lock, &irql);
    Irp->Tail.Overlay.DriverContext[0] = Client;
    pending = !Client->Deregistered;
    if (pending) {
        (VOID) IoSetCancelRoutine(Irp, CancelChange);
        InsertTailList(&Client->Changes, &Irp->Tail.Overlay.ListEntry);
        ClientReference(Client);
        Model.Counters.Busy++;
        if (Irp->Cancel && IoSetCancelRoutine(Irp, NULL) != NULL) {
            RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
            ClientDereference(Client);
            Model.Counters.Busy--;
            pending = FALSE;
        }
    }
    KeReleaseSpinLock(&Model.Lock, irql);
    if (!pending) {
        IrpFinish(Irp, STATUS_CANCELLED, 0);
    }
    return STATUS_PENDING;
}

/* For a client that is referenced. */
_IRQL_requires_max_(DISPATCH_LEVEL) static NTSTATUS
    Control(CLIENT *Client, ULONG Code, SIZE_T InputSize, PVOID InputBuffer, SIZE_T OutputSize,
            PVOID OutputBuffer, SIZE_T *OutputSizeReturned)
{
    switch (Code) {
    case WSK_TRANSPORT_LIST_QUERY: return ListTransports(OutputSize, OutputBuffer, OutputSizeReturned);
    case WSK_CACHE_SD:
        return CacheDescriptor(InputSize, InputBuffer, OutputSize, OutputBuffer, OutputSizeReturned);
    case WSK_RELEASE_SD: return ReleaseDescriptor(InputSize, InputBuffer);
    case WSK_SET_STATIC_EVENT_CALLBACKS: return SetStaticEvents(Client, InputSize, InputBuffer);
    case WSK_TDI_DEVICENAME_MAPPING:
    case WSK_TDI_BEHAVIOR:
        return STATUS_NOT_SUPPORTED; /* TDI is gone from the model, as it may go from Windows */
    default: return STATUS_INVALID_PARAMETER;
    }
}

/* The IRP must be NULL but for WSK_TRANSPORT_LIST_CHANGE, which needs one. */
_IRQL_requires_max_(DISPATCH_LEVEL) static NTSTATUS WSKAPI
    ControlClient(PWSK_CLIENT WskClient, ULONG ControlCode, SIZE_T InputSize, PVOID InputBuffer,
                  SIZE_T OutputSize, PVOID OutputBuffer, SIZE_T *OutputSizeReturned, PIRP Irp)
{
    CLIENT *client = (CLIENT *)WskClient;
    NTSTATUS status;

    if ((ControlCode == WSK_TRANSPORT_LIST_CHANGE) != (Irp != NULL)) {
        return IrpComplete(Irp, STATUS_INVALID_PARAMETER, 0);
    }
    if (!ClientEnter(client)) {
        return IrpComplete(Irp, STATUS_INVALID_HANDLE, 0);
    }
    status = ControlCode == WSK_TRANSPORT_LIST_CHANGE ? AwaitChange(client, Irp)
                                                      : Control(client, ControlCode, InputSize, InputBuffer,
                                                                OutputSize, OutputBuffer, OutputSizeReturned);
    ClientLeave(client);
    return status;
}

/* A client that is none never gets its IRP back: nobody took it. */
_IRQL_requires_max_(DISPATCH_LEVEL) static NTSTATUS WSKAPI
    Socket(PWSK_CLIENT WskClient, ADDRESS_FAMILY Family, USHORT Type, ULONG Protocol, ULONG Flags,
           PVOID Context, const VOID *Dispatch, PEPROCESS Process, PETHREAD Thread,
           PSECURITY_DESCRIPTOR SecurityDescriptor, PIRP Irp)
{
    CLIENT *client = (CLIENT *)WskClient;
    NTSTATUS status;

    if (Irp == NULL) {
        return SeamNoIrp(STATUS_INVALID_PARAMETER);
    }
    UNREFERENCED_PARAMETER(Process);
    UNREFERENCED_PARAMETER(Thread);
    UNREFERENCED_PARAMETER(SecurityDescriptor);
    if (!ClientEnter(client)) {
        return STATUS_INVALID_HANDLE;
    }
    status = SocketCreate(client, Family, Type, Protocol, Flags, Context, Dispatch, Irp);
    ClientLeave(client);
    return status;
}

_IRQL_requires_max_(DISPATCH_LEVEL) static NTSTATUS WSKAPI
    SocketConnect(PWSK_CLIENT WskClient, USHORT Type, ULONG Protocol, PSOCKADDR Local, PSOCKADDR Remote,
                  ULONG Flags, PVOID Context, const WSK_CLIENT_CONNECTION_DISPATCH *Dispatch,
                  PEPROCESS Process, PETHREAD Thread, PSECURITY_DESCRIPTOR SecurityDescriptor, PIRP Irp)
{
    CLIENT *client = (CLIENT *)WskClient;
    NTSTATUS status;

    UNREFERENCED_PARAMETER(Flags);
    UNREFERENCED_PARAMETER(Context); /* of events of a connection, which the model does not have */
    UNREFERENCED_PARAMETER(Dispatch);
    UNREFERENCED_PARAMETER(Process);
    UNREFERENCED_PARAMETER(Thread);
    UNREFERENCED_PARAMETER(SecurityDescriptor);
    if (Irp == NULL) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Local == NULL || Remote == NULL) {
        return IrpComplete(Irp, STATUS_INVALID_PARAMETER, 0);
    }
    if (!ClientEnter(client)) {
        return STATUS_INVALID_HANDLE;
    }
    status = SocketCreateConnected(client, Type, Protocol, Local, Remote, Irp);
    ClientLeave(client);
    return status;
}

/* Name resolution is no part of the model; the slots are. */
_IRQL_requires_max_(DISPATCH_LEVEL) static NTSTATUS WSKAPI
    GetAddressInfo(PWSK_CLIENT WskClient, PUNICODE_STRING Node, PUNICODE_STRING Service, ULONG NameSpace,
                   GUID *Provider, PVOID Hints, PVOID *Result, PEPROCESS Process, PETHREAD Thread, PIRP Irp)
{
    UNREFERENCED_PARAMETER(WskClient);
    UNREFERENCED_PARAMETER(Node);
    UNREFERENCED_PARAMETER(Service);
    UNREFERENCED_PARAMETER(NameSpace);
    UNREFERENCED_PARAMETER(Provider);
    UNREFERENCED_PARAMETER(Hints);
    UNREFERENCED_PARAMETER(Result);
    UNREFERENCED_PARAMETER(Process);
    UNREFERENCED_PARAMETER(Thread);
    return IrpComplete(Irp, STATUS_NOT_IMPLEMENTED, 0);
}

_IRQL_requires_max_(DISPATCH_LEVEL) static VOID WSKAPI FreeAddressInfo(PWSK_CLIENT WskClient, PVOID Info)
{
    UNREFERENCED_PARAMETER(WskClient);
    UNREFERENCED_PARAMETER(Info);
}

_IRQL_requires_max_(DISPATCH_LEVEL) static NTSTATUS WSKAPI
    GetNameInfo(PWSK_CLIENT WskClient, PSOCKADDR Address, ULONG AddressBytes, PUNICODE_STRING Node,
                PUNICODE_STRING Service, ULONG Flags, PEPROCESS Process, PETHREAD Thread, PIRP Irp)
{
    UNREFERENCED_PARAMETER(WskClient);
    UNREFERENCED_PARAMETER(Address);
    UNREFERENCED_PARAMETER(AddressBytes);
    UNREFERENCED_PARAMETER(Node);
    UNREFERENCED_PARAMETER(Service);
    UNREFERENCED_PARAMETER(Flags);
    UNREFERENCED_PARAMETER(Process);
    UNREFERENCED_PARAMETER(Thread);
    return IrpComplete(Irp, STATUS_NOT_IMPLEMENTED, 0);
}

VOID DispatchFill(WSK_PROVIDER_DISPATCH *Dispatch, USHORT Version)
{
    RtlZeroMemory(Dispatch, sizeof(*Dispatch));
    Dispatch->Version = Version;
    Dispatch->WskSocket = Socket;
    Dispatch->WskSocketConnect = SocketConnect;
    Dispatch->WskControlClient = ControlClient;
    Dispatch->WskGetAddressInfo = (PVOID)(ULONG_PTR)GetAddressInfo;
    Dispatch->WskFreeAddressInfo = (PVOID)(ULONG_PTR)FreeAddressInfo;
    Dispatch->WskGetNameInfo = (PVOID)(ULONG_PTR)GetNameInfo;
    SeamDispatch(Dispatch);
}
