/*
 * registration.c - WskRegister and WskDeregister, and the references to a client.
 *
 * What a WSK_REGISTRATION is for is the provider's own business. Here its State says whether it is
 * registered, and its Context is the CLIENT. Both change only under Model.Lock. After WskDeregister
 * the block says so, for as long as nobody overwrites it: that is how a later capture is refused.
 */
#include "model.h"
#include "winsock.h"

PVOID ModelAllocate(SIZE_T Bytes)
{
    PVOID block;

    /* Not ExAllocatePool2, which Wine lacks. */
#if defined(_MSC_VER)
#pragma warning(suppress : 4996)
#endif
    block = ExAllocatePoolWithTag(NonPagedPoolNx, Bytes, MODEL_TAG);
    if (block != NULL) {
        RtlZeroMemory(block, Bytes);
    }
    return block;
}

VOID ClientReference(CLIENT *Client)
{
    Client->References++;
    KeClearEvent(&Client->Idle);
}

VOID ClientDereference(CLIENT *Client)
{
    if (SeamIdle(--Client->References == 0)) {
        (VOID) KeSetEvent(&Client->Idle, IO_NO_INCREMENT, FALSE);
    }
}

BOOLEAN ClientEnter(CLIENT *Client)
{
    BOOLEAN found = FALSE;
    KIRQL irql;

    KeAcquireSpinLock(&Model.Lock, &irql);
    for (PLIST_ENTRY link = Model.Clients.Flink; link != &Model.Clients && !found; link = link->Flink) {
        found = CONTAINING_RECORD(link, CLIENT, Link) == Client;
    }
    if (found) {
        ClientReference(Client);
        Model.Counters.Busy++;
        Model.Counters.Mismatched += Client->Captures == 0;
    }
    KeReleaseSpinLock(&Model.Lock, irql);
    return found;
}

VOID ClientLeave(CLIENT *Client)
{
    KIRQL irql;

    KeAcquireSpinLock(&Model.Lock, &irql);
    Model.Counters.Busy--;
    ClientDereference(Client);
    KeReleaseSpinLock(&Model.Lock, irql);
}

CLIENT *ClientOf(const WSK_REGISTRATION *Registration)
{
    return Registration->ReservedRegistrationState == STATE_REGISTERED
               ? Registration->ReservedRegistrationContext
               : NULL;
}

/* The version is not judged here: it surfaces when the client captures. */
_IRQL_requires_max_(PASSIVE_LEVEL) MODEL_EXPORT NTSTATUS WSKAPI
    WskRegister(PWSK_CLIENT_NPI WskClientNpi, PWSK_REGISTRATION WskRegistration)
{
    NTSTATUS status;
    CLIENT *client;
    KIRQL irql;

    if (WskClientNpi == NULL || WskClientNpi->Dispatch == NULL || WskRegistration == NULL) {
        return STATUS_INVALID_PARAMETER;
    }
    status = SeamRegister(WskClientNpi, WskRegistration);
    if (!NT_SUCCESS(status)) {
        return status;
    }
    WinsockOpen();
    BootOpen();
    client = ModelAllocate(sizeof(*client));
    if (client == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    client->Version = WskClientNpi->Dispatch->Version;
    SeamBegin(client, WskClientNpi, WskRegistration);
    KeInitializeEvent(&client->Idle, NotificationEvent, TRUE);
    InitializeListHead(&client->Changes);

    KeAcquireSpinLock(&Model.Lock, &irql);
    InsertTailList(&Model.Clients, &client->Link);
    Model.Counters.RegisterCalls++;
    Model.Counters.Registrations++;
    WskRegistration->ReservedRegistrationContext = client;
    WskRegistration->ReservedRegistrationState = STATE_REGISTERED;
    KeReleaseSpinLock(&Model.Lock, irql);
    return STATUS_SUCCESS;
}

/* Nothing new for the client, and what waits for it ends. Changes gets its IRPs. */
_IRQL_requires_(DISPATCH_LEVEL) _Requires_lock_held_(Model.Lock) static VOID
    CancelChanges(CLIENT *Client, PLIST_ENTRY Changes)
{
    Client->Deregistered = TRUE;
    WakeWaiters(Client);
    while (SeamCancelsChange(!IsListEmpty(&Client->Changes))) {
        PIRP irp = CONTAINING_RECORD(RemoveHeadList(&Client->Changes), IRP, Tail.Overlay.ListEntry);

        /* One whose cancel routine is gone is being completed by it, on a thread of its own. */
        if (IoSetCancelRoutine(irp, NULL) != NULL) {
            InsertTailList(Changes, &irp->Tail.Overlay.ListEntry);
        } else {
            InitializeListHead(&irp->Tail.Overlay.ListEntry);
        }
    }
}

_IRQL_requires_max_(DISPATCH_LEVEL) _Requires_lock_not_held_(Model.Lock) static VOID
    CompleteChanges(CLIENT *Client, PLIST_ENTRY Changes)
{
    while (!IsListEmpty(Changes)) {
        PIRP irp = CONTAINING_RECORD(RemoveHeadList(Changes), IRP, Tail.Overlay.ListEntry);

        IrpFinish(irp, STATUS_CANCELLED, 0);
        ClientLeave(Client);
    }
}

_IRQL_requires_max_(PASSIVE_LEVEL) MODEL_EXPORT VOID WSKAPI WskDeregister(PWSK_REGISTRATION WskRegistration)
{
    LIST_ENTRY changes;
    CLIENT *client;
    BOOLEAN gone;
    UINT32 began; /* references when it began to wait */
    KIRQL irql;

    InitializeListHead(&changes);
    KeAcquireSpinLock(&Model.Lock, &irql);
    Model.Counters.DeregisterCalls++;
    client = ClientOf(WskRegistration);
    if (client == NULL || client->Deregistered) {
        Model.Counters.Mismatched++;
        KeReleaseSpinLock(&Model.Lock, irql);
        return;
    }
    CancelChanges(client, &changes);
    KeReleaseSpinLock(&Model.Lock, irql);
    CompleteChanges(client, &changes);

    KeAcquireSpinLock(&Model.Lock, &irql);
    began = client->References;
    while (SeamAwaits(client->References != 0, client, began)) {
        KeReleaseSpinLock(&Model.Lock, irql);
        /* No limit: that it waits for releases, calls and sockets is what it is for. */
        (VOID) KeWaitForSingleObject(&client->Idle, Executive, KernelMode, FALSE, NULL);
        KeAcquireSpinLock(&Model.Lock, &irql);
    }
    Model.Counters.Registrations--;
    WskRegistration->ReservedRegistrationState = STATE_DEREGISTERED;
    SeamEnd(client, WskRegistration);
    gone = client->References == 0; /* always, where it was waited for that */
    if (gone) {
        RemoveEntryList(&client->Link);
        WskRegistration->ReservedRegistrationContext = NULL;
    }
    KeReleaseSpinLock(&Model.Lock, irql);
    if (SeamFrees(gone)) {
        ExFreePoolWithTag(client, MODEL_TAG);
    }
}
