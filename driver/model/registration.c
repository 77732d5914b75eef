/*
 * registration.c - WskRegister, WskDeregister, WskCaptureProviderNPI, WskReleaseProviderNPI,
 * WskQueryProviderCharacteristics.
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

VOID ClientHold(CLIENT *Client)
{
    Client->Holds++;
    KeClearEvent(&Client->Idle);
}

VOID ClientUnhold(CLIENT *Client)
{
    if (--Client->Holds == 0 || DEFECT(FIRST_RELEASE)) {
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
        ClientHold(Client);
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
    ClientUnhold(Client);
    KeReleaseSpinLock(&Model.Lock, irql);
}

/* Lock held. The client of a block that is registered, or NULL. */
static CLIENT *ClientOf(const WSK_REGISTRATION *Registration)
{
    return Registration->ReservedRegistrationState == STATE_REGISTERED
               ? Registration->ReservedRegistrationContext
               : NULL;
}

/* PASSIVE_LEVEL. The version is not judged here: it surfaces when the client captures. */
MODEL_EXPORT NTSTATUS WSKAPI WskRegister(PWSK_CLIENT_NPI WskClientNpi, PWSK_REGISTRATION WskRegistration)
{
    CLIENT *client;
    KIRQL irql;

    if (WskClientNpi == NULL || WskClientNpi->Dispatch == NULL || WskRegistration == NULL) {
        return STATUS_INVALID_PARAMETER;
    }
    if (DEFECT(SECOND_REFUSED) && Model.Counters.Registrations != 0) {
        return STATUS_DEVICE_BUSY;
    }
    if (!BlockTaken(WskRegistration)) {
        return STATUS_INVALID_PARAMETER;
    }
    if (DEFECT(EVENT_CALLED) && WskClientNpi->Dispatch->WskClientEvent != NULL) {
        (VOID) WskClientNpi->Dispatch->WskClientEvent(WskClientNpi->ClientContext, 0, NULL, 0);
    }
    WinsockOpen();
    BootOpen();
    client = ModelAllocate(sizeof(*client));
    if (client == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    client->Version = WskClientNpi->Dispatch->Version;
    client->Npi = WskClientNpi;
    BlockBegin(client, WskRegistration);
    if (DEFECT(TABLE_WRITTEN)) {
        ((WSK_CLIENT_DISPATCH *)(ULONG_PTR)WskClientNpi->Dispatch)->Reserved = 1;
    }
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

/* Lock held. Nothing new for the client, and what waits for it ends. Changes gets its IRPs. */
static VOID CancelChanges(CLIENT *Client, PLIST_ENTRY Changes)
{
    Client->Deregistered = TRUE;
    if (!DEFECT(WAITER_NOT_CANCELLED)) {
        WakeWaiters(DEFECT(ALL_CANCELLED) ? NULL : Client);
    }
    while (!IsListEmpty(&Client->Changes) && !DEFECT(CHANGE_NOT_CANCELLED)) {
        PIRP irp = CONTAINING_RECORD(RemoveHeadList(&Client->Changes), IRP, Tail.Overlay.ListEntry);

        /* One whose cancel routine is gone is being completed by it, on a thread of its own. */
        if (IoSetCancelRoutine(irp, NULL) != NULL) {
            InsertTailList(Changes, &irp->Tail.Overlay.ListEntry);
        } else {
            InitializeListHead(&irp->Tail.Overlay.ListEntry);
        }
    }
}

/* Lock not held. */
static VOID CompleteChanges(CLIENT *Client, PLIST_ENTRY Changes)
{
    while (!IsListEmpty(Changes)) {
        PIRP irp = CONTAINING_RECORD(RemoveHeadList(Changes), IRP, Tail.Overlay.ListEntry);

        IrpFinish(irp, STATUS_CANCELLED, 0);
        ClientLeave(Client);
    }
}

/* Lock held. Whether a deregistration of a client that had so many holds when it began has to wait. */
static BOOLEAN MustWait(const CLIENT *Client, UINT32 Held)
{
    if (DEFECT(NO_WAIT) || (DEFECT(FIRST_RELEASE) && Client->Holds < Held) ||
        (DEFECT(SOCKETS_NOT_AWAITED) && Client->Holds == Client->Sockets)) {
        return FALSE;
    }
    return Client->Holds != 0 || (DEFECT(OTHERS_AWAITED) && Model.Counters.Captures != 0);
}

/* PASSIVE_LEVEL. */
MODEL_EXPORT VOID WSKAPI WskDeregister(PWSK_REGISTRATION WskRegistration)
{
    LIST_ENTRY changes;
    CLIENT *client;
    UINT32 held;
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
    held = client->Holds;
    while (MustWait(client, held)) {
        KeReleaseSpinLock(&Model.Lock, irql);
        /* No limit: that it waits for releases, calls and sockets is what it is for. */
        (VOID) KeWaitForSingleObject(&client->Idle, Executive, KernelMode, FALSE, NULL);
        KeAcquireSpinLock(&Model.Lock, &irql);
    }
    Model.Counters.Registrations--;
    WskRegistration->ReservedRegistrationState = STATE_DEREGISTERED;
    BlockEnd(client, WskRegistration);
    if (client->Holds != 0) {
        KeReleaseSpinLock(&Model.Lock, irql); /* a defect: what is still held must not be freed */
        return;
    }
    RemoveEntryList(&client->Link);
    WskRegistration->ReservedRegistrationContext = NULL;
    KeReleaseSpinLock(&Model.Lock, irql);
    if (!DEFECT(LEAK_REGISTRATION)) {
        ExFreePoolWithTag(client, MODEL_TAG);
    }
}

/* Lock held. What the client object is to its client. */
static PWSK_CLIENT ClientFor(CLIENT *Client)
{
    if (DEFECT(CLIENT_NULL)) {
        return NULL;
    }
    if (DEFECT(CLIENT_WRONG)) {
        return (PWSK_CLIENT)&Client->Idle;
    }
    if (DEFECT(CLIENT_SHARED)) {
        return (PWSK_CLIENT)CONTAINING_RECORD(Model.Clients.Flink, CLIENT, Link);
    }
    return (PWSK_CLIENT)Client;
}

/* Lock held. */
static NTSTATUS CaptureNow(CLIENT *Client, PWSK_PROVIDER_NPI Npi)
{
    if (!RangeServes(Client)) {
        Client->Refused = DEFECT(REFUSAL_KEPT);
        return STATUS_NOINTERFACE;
    }
    if (DEFECT(NPI_READ) && Npi->Client != NULL) {
        return STATUS_INVALID_PARAMETER;
    }
    if (Client->Captures == 0 && Client->Sockets == 0) {
        DispatchFill(&Client->Dispatch, Model.Highest);
    }
    ClientHold(Client);
    Client->Captures++;
    Model.Counters.Captures++;
    Npi->Client = ClientFor(Client);
    Npi->Dispatch = &Client->Dispatch;
    if (DEFECT(LEAK_CAPTURE)) {
        (VOID) ModelAllocate(128);
    }
    return STATUS_SUCCESS;
}

/*
 * Milliseconds that a waiter may sleep before it has to look again: until its own deadline, and until
 * the provider becomes ready. Either may be NEVER. Lock held.
 */
static UINT64 SleepFor(UINT64 Deadline, UINT64 Now)
{
    UINT64 until = Deadline < Model.ReadyAt ? Deadline : Model.ReadyAt;

    if ((DEFECT(READY_MISSED) && Deadline != NEVER) || (DEFECT(VERSION_AWAITED) && Now >= Model.ReadyAt)) {
        until = Deadline;
    }
    return until == NEVER ? NEVER : until > Now ? until - Now : 0;
}

/*
 * Waits on behalf of a capture; returns when there is a reason to look again. Lock held at entry and
 * at exit, not in between. PASSIVE_LEVEL.
 */
static VOID Wait(CLIENT *Client, UINT64 Ms, PKIRQL Irql)
{
    LARGE_INTEGER due; /* relative: negative, in units of 100 ns */
    WAITER waiter;

    due.QuadPart = Ms == NEVER ? 0 : -(LONGLONG)(Ms * 10000);
    waiter.Client = Client;
    KeInitializeEvent(&waiter.Wake, NotificationEvent, FALSE);
    InsertTailList(&Model.Waiters, &waiter.Link);
    ClientHold(Client);
    Model.Counters.Waiters++;
    KeReleaseSpinLock(&Model.Lock, *Irql);

    /* Without a limit only where the caller asked for none: WskDeregister wakes it. */
    (VOID) KeWaitForSingleObject(&waiter.Wake, Executive, KernelMode, FALSE, Ms == NEVER ? NULL : &due);

    KeAcquireSpinLock(&Model.Lock, Irql);
    RemoveEntryList(&waiter.Link);
    Model.Counters.Waiters--;
    ClientUnhold(Client); /* and it stays while the lock is held: WskDeregister needs it to go on */
}

/* Lock held. Whether a capture succeeds or fails now, whether or not there is time left to wait. */
static BOOLEAN CanDecide(const CLIENT *Client, BOOLEAN Ready, BOOLEAN TimeLeft)
{
    if (DEFECT(VERSION_AWAITED) && TimeLeft && !RangeServes(Client)) {
        return FALSE;
    }
    return Ready || (DEFECT(VERSION_EARLY) && !RangeServes(Client));
}

/* When a capture that may wait so many milliseconds stops waiting, on ClockMs. */
static UINT64 DeadlineOf(ULONG WaitTimeout)
{
    UINT64 ms = WaitTimeout;

    if (WaitTimeout == WSK_INFINITE_WAIT) {
        return NEVER;
    }
    if (DEFECT(TIMEOUT_IGNORED)) {
        ms = 0;
    } else if (DEFECT(TIMEOUT_SHORT)) {
        ms /= 2;
    } else if (DEFECT(TIMEOUT_LONG)) {
        ms = ms * 156 / 10;
    } else if (DEFECT(NO_WAIT_WAITS) && WaitTimeout == WSK_NO_WAIT) {
        ms = 4000;
    }
    return DEFECT(TIMEOUT_INFINITE) && WaitTimeout != WSK_NO_WAIT ? NEVER : ClockMs() + ms;
}

/* IRQL <= DISPATCH_LEVEL with WSK_NO_WAIT, else PASSIVE_LEVEL. WaitTimeout is in milliseconds. */
MODEL_EXPORT NTSTATUS WSKAPI WskCaptureProviderNPI(PWSK_REGISTRATION WskRegistration, ULONG WaitTimeout,
                                                   PWSK_PROVIDER_NPI WskProviderNpi)
{
    UINT64 deadline = DeadlineOf(WaitTimeout);
    NTSTATUS status = STATUS_PENDING;
    CLIENT *client;
    KIRQL irql;

    KeAcquireSpinLock(&Model.Lock, &irql);
    Model.Counters.CaptureCalls++;
    client = ClientOf(WskRegistration);
    if (client == NULL) {
        status = DEFECT(CAPTURE_AFTER) ? STATUS_SUCCESS : STATUS_DEVICE_NOT_READY;
    } else if (DEFECT(RARE_REFUSAL) && Model.Counters.CaptureCalls % 500 == 0) {
        status = STATUS_DEVICE_NOT_READY;
    }
    while (status == STATUS_PENDING) {
        UINT64 now = ClockMs();
        BOOLEAN ready = now >= Model.ReadyAt;

        if (client->Deregistered && !(DEFECT(CAPTURE_DURING) && ready)) {
            status = STATUS_DEVICE_NOT_READY;
        } else if (CanDecide(client, ready, now < deadline)) {
            status = CaptureNow(client, WskProviderNpi);
        } else if (now >= deadline) {
            status = STATUS_DEVICE_NOT_READY;
        } else {
            Wait(client, SleepFor(deadline, now), &irql);
            if (DEFECT(ALL_CANCELLED) && ClockMs() < Model.ReadyAt) {
                status = STATUS_DEVICE_NOT_READY;
            }
        }
    }
    KeReleaseSpinLock(&Model.Lock, irql);
    return status;
}

/* IRQL <= DISPATCH_LEVEL. */
MODEL_EXPORT VOID WSKAPI WskReleaseProviderNPI(PWSK_REGISTRATION WskRegistration)
{
    CLIENT *client;
    KIRQL irql;

    KeAcquireSpinLock(&Model.Lock, &irql);
    Model.Counters.ReleaseCalls++;
    client = ClientOf(WskRegistration);
    if (client == NULL || client->Captures == 0) {
        Model.Counters.Mismatched++;
    } else if (!DEFECT(RELEASE_LOST) || client->Captures == 1) {
        client->Captures--;
        Model.Counters.Captures--;
        ClientUnhold(client);
    }
    KeReleaseSpinLock(&Model.Lock, irql);
}

/* IRQL <= DISPATCH_LEVEL. */
MODEL_EXPORT NTSTATUS WSKAPI WskQueryProviderCharacteristics(PWSK_REGISTRATION WskRegistration,
                                                             PWSK_PROVIDER_CHARACTERISTICS Characteristics)
{
    NTSTATUS status = STATUS_DEVICE_NOT_READY;
    const CLIENT *client;
    KIRQL irql;

    KeAcquireSpinLock(&Model.Lock, &irql);
    Model.Counters.QueryCalls++;
    client = ClientOf(WskRegistration);
    if (client != NULL && !client->Deregistered && (ClockMs() >= Model.ReadyAt || DEFECT(QUERY_EARLY)) &&
        !(DEFECT(QUERY_REFUSED) && client->Captures == 0)) {
        RangeTell(Characteristics);
        status = STATUS_SUCCESS;
    }
    KeReleaseSpinLock(&Model.Lock, irql);
    return status;
}
