/*
 * capture.c - WskCaptureProviderNPI, which may wait for the provider to be ready, and WskReleaseProviderNPI.
 */
#include "model.h"

_IRQL_requires_(DISPATCH_LEVEL) _Requires_lock_held_(Model.Lock) static NTSTATUS
    CaptureNow(CLIENT *Client, PWSK_PROVIDER_NPI Npi)
{
    NTSTATUS status = RangeServes(Client) ? SeamCapture(Npi) : STATUS_NOINTERFACE;

    if (!NT_SUCCESS(status)) {
        return status;
    }
    if (Client->Captures == 0 && Client->Sockets == 0) {
        DispatchFill(&Client->Dispatch, Model.Highest);
    }
    ClientReference(Client);
    Client->Captures++;
    Model.Counters.Captures++;
    Npi->Client = SeamClient(Client);
    Npi->Dispatch = &Client->Dispatch;
    return STATUS_SUCCESS;
}

/*
 * Milliseconds that a waiter may sleep before it has to look again: until its own deadline, and until
 * the provider becomes ready. Either may be NEVER.
 */
_IRQL_requires_(DISPATCH_LEVEL) _Requires_lock_held_(Model.Lock) static UINT64
    SleepFor(UINT64 Deadline, UINT64 Now)
{
    UINT64 until = Deadline < Model.ReadyAt ? Deadline : Model.ReadyAt;

    until = SeamSleeps(until, Deadline, Now);
    return until == NEVER ? NEVER : until > Now ? until - Now : 0;
}

/*
 * Waits on behalf of a capture; returns when there is a reason to look again. The lock is not held in
 * between: Irql is what it goes back to.
 */
_IRQL_requires_(DISPATCH_LEVEL) _Requires_lock_held_(Model.Lock) static VOID
    Wait(CLIENT *Client, UINT64 Ms, PKIRQL Irql)
{
    LARGE_INTEGER due; /* relative: negative, in units of 100 ns */
    WAITER waiter;

    due.QuadPart = Ms == NEVER ? 0 : -(LONGLONG)(Ms * 10000);
    waiter.Client = Client;
    KeInitializeEvent(&waiter.Wake, NotificationEvent, FALSE);
    InsertTailList(&Model.Waiters, &waiter.Link);
    ClientReference(Client);
    Model.Counters.Waiters++;
    KeReleaseSpinLock(&Model.Lock, *Irql);

    /* Without a limit only where the caller asked for none: WskDeregister wakes it. */
    (VOID) KeWaitForSingleObject(&waiter.Wake, Executive, KernelMode, FALSE, Ms == NEVER ? NULL : &due);

    KeAcquireSpinLock(&Model.Lock, Irql);
    RemoveEntryList(&waiter.Link);
    Model.Counters.Waiters--;
    ClientDereference(Client); /* and it stays while the lock is held: WskDeregister needs it to go on */
}

/* When a capture that may wait so many milliseconds stops waiting, on ClockMs. */
_IRQL_requires_max_(DISPATCH_LEVEL) static UINT64 DeadlineOf(ULONG WaitTimeout)
{
    return WaitTimeout == WSK_INFINITE_WAIT ? NEVER : SeamDeadline(ClockMs() + WaitTimeout, WaitTimeout);
}

/* WaitTimeout is in milliseconds. */
_When_(WaitTimeout == WSK_NO_WAIT, _IRQL_requires_max_(DISPATCH_LEVEL))
    _When_(WaitTimeout != WSK_NO_WAIT, _IRQL_requires_max_(PASSIVE_LEVEL)) MODEL_EXPORT NTSTATUS WSKAPI
    WskCaptureProviderNPI(PWSK_REGISTRATION WskRegistration, ULONG WaitTimeout,
                          PWSK_PROVIDER_NPI WskProviderNpi)
{
    UINT64 deadline = DeadlineOf(WaitTimeout);
    NTSTATUS status;
    CLIENT *client;
    KIRQL irql;

    KeAcquireSpinLock(&Model.Lock, &irql);
    Model.Counters.CaptureCalls++;
    client = ClientOf(WskRegistration);
    status = SeamBegun(client != NULL ? STATUS_PENDING : STATUS_DEVICE_NOT_READY);
    while (status == STATUS_PENDING) {
        UINT64 now = ClockMs();
        BOOLEAN ready = now >= Model.ReadyAt;

        if (SeamRefuses(client->Deregistered, ready)) {
            status = STATUS_DEVICE_NOT_READY;
        } else if (SeamDecides(ready, client, now < deadline)) {
            status = CaptureNow(client, WskProviderNpi);
        } else if (now >= deadline) {
            status = STATUS_DEVICE_NOT_READY;
        } else {
            Wait(client, SleepFor(deadline, now), &irql);
            status = SeamWoken(STATUS_PENDING);
        }
    }
    KeReleaseSpinLock(&Model.Lock, irql);
    return status;
}

_IRQL_requires_max_(DISPATCH_LEVEL) MODEL_EXPORT VOID WSKAPI
    WskReleaseProviderNPI(PWSK_REGISTRATION WskRegistration)
{
    CLIENT *client;
    KIRQL irql;

    KeAcquireSpinLock(&Model.Lock, &irql);
    Model.Counters.ReleaseCalls++;
    client = ClientOf(WskRegistration);
    if (client == NULL || client->Captures == 0) {
        Model.Counters.Mismatched++;
    } else if (SeamReleases(client)) {
        client->Captures--;
        Model.Counters.Captures--;
        ClientDereference(client);
    }
    KeReleaseSpinLock(&Model.Lock, irql);
}
