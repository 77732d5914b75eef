/*
 * control.c - the model's state, the control of it, and its clock.
 *
 * Readiness is a moment on the clock, not a timer: whether the provider is ready is read off the
 * clock, and a waiter waits until that moment or until its own, whichever is first.
 */
#include "model.h"

#define DEFAULT_LOWEST  MAKE_WSK_VERSION(1, 0)
#define DEFAULT_HIGHEST MAKE_WSK_VERSION(1, 1)

/* Initialized by the loader, since there is nobody else to do so: a spin lock that is free is 0. */
MODEL Model = {
    .Clients = {&Model.Clients, &Model.Clients},
    .Waiters = {&Model.Waiters, &Model.Waiters},
    .Sockets = {&Model.Sockets, &Model.Sockets},
    .Lowest = DEFAULT_LOWEST,
    .Highest = DEFAULT_HIGHEST,
};

UINT64 ClockMs(VOID)
{
    LARGE_INTEGER frequency;
    LARGE_INTEGER now = KeQueryPerformanceCounter(&frequency);
    UINT64 ticks = (UINT64)now.QuadPart;
    UINT64 perSecond = (UINT64)frequency.QuadPart;

    /* In two parts, since the product could overflow. */
    return ticks / perSecond * 1000 + ticks % perSecond * 1000 / perSecond;
}

VOID WakeWaiters(const CLIENT *Client)
{
    for (PLIST_ENTRY link = Model.Waiters.Flink; link != &Model.Waiters; link = link->Flink) {
        WAITER *waiter = CONTAINING_RECORD(link, WAITER, Link);

        if (SeamWakes(Client == NULL || waiter->Client == Client, waiter, Client)) {
            (VOID) KeSetEvent(&waiter->Wake, IO_NO_INCREMENT, FALSE);
        }
    }
}

_IRQL_requires_(DISPATCH_LEVEL) _Requires_lock_held_(Model.Lock) static VOID
    ResetCalls(WSK_TEST_COUNTERS *Counters)
{
    Counters->Mismatched = 0;
    Counters->RegisterCalls = 0;
    Counters->DeregisterCalls = 0;
    Counters->CaptureCalls = 0;
    Counters->ReleaseCalls = 0;
    Counters->QueryCalls = 0;
    Model.StaleIrps = 0;
}

_IRQL_requires_(DISPATCH_LEVEL) _Requires_lock_held_(Model.Lock) static VOID
    Apply(const WSK_TEST_SETTINGS *Settings)
{
    if (Settings->SetReadiness != 0) {
        if (Settings->ReadyAfterMs == WSK_TEST_NEVER) {
            Model.ReadyAt = NEVER;
        } else {
            Model.ReadyAt = Settings->ReadyAfterMs == 0 ? 0 : ClockMs() + Settings->ReadyAfterMs;
        }
        WakeWaiters(NULL);
    }
    if (Settings->SetVersions != 0) {
        Model.Lowest = Settings->Lowest;
        Model.Highest = Settings->Highest;
    }
    if (Settings->SetSockets != 0) {
        Model.NoSockets = Settings->NoSockets != 0;
    }
}

MODEL_EXPORT WSK_TEST_CONTROL WskTestControl;
MODEL_EXPORT extern const UINT32 WskTestControlVersion;
const UINT32 WskTestControlVersion = WSK_TEST_CONTROL_VERSION;

MODEL_EXPORT NTSTATUS NTAPI WskTestControl(UINT32 Version, BOOLEAN Reset, const WSK_TEST_SETTINGS *Settings,
                                           WSK_TEST_COUNTERS *Counters)
{
    static const WSK_TEST_SETTINGS defaults = {1, 0, 1, DEFAULT_LOWEST, DEFAULT_HIGHEST, 1, 0};
    KIRQL irql;

    if (Version != WSK_TEST_CONTROL_VERSION) {
        return STATUS_REVISION_MISMATCH;
    }
    if (Settings != NULL && Settings->SetVersions != 0 && Settings->Lowest > Settings->Highest) {
        return STATUS_INVALID_PARAMETER;
    }
    KeAcquireSpinLock(&Model.Lock, &irql);
    if (Reset) {
        Apply(&defaults);
        Model.Seam.Left = NULL;
        ResetCalls(&Model.Counters);
    }
    if (Settings != NULL) {
        Apply(Settings);
    }
    if (Counters != NULL) {
        *Counters = Model.Counters;
        Counters->Mismatched += (UINT32)Model.StaleIrps;
    }
    KeReleaseSpinLock(&Model.Lock, irql);
    return STATUS_SUCCESS;
}
