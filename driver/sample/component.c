/*
 * component.c - the sample's own WSK client, from registration to deregistration.
 *
 * Registration is quick, and done by whoever activates the component, DriverEntry included. All that
 * may take time is done on a worker: capturing the provider NPI (with an infinite wait, which the
 * deregistration cancels), registering anew where the provider does not have the version, and
 * serving. The NPI is released as soon as the listening socket is there: sockets outlive it.
 */
#include "component.h"
#include "client.h"
#include "echo.h"
#include "failure.h"
#include "worker.h"

#define WANTED_VERSION MAKE_WSK_VERSION(1, 0)

/* Global, since WSK keeps the registration and the dispatch table until the deregistration. */
static struct COMPONENT {
    KSPIN_LOCK Lock;     /* for Phase, Origin, Status */
    KEVENT Settled;      /* set while the phase is not STARTING or STOPPING */
    KEVENT Ended;        /* set while the worker has nothing to do */
    KEVENT RegistryFree; /* a lock that can be held while WSK registers; for the five below */
    BOOLEAN Registered;  /* somebody has to deregister; who clears it does */
    BOOLEAN Stopping;    /* no more registrations */
    BOOLEAN Negotiated;
    WSK_CLIENT_DISPATCH Dispatch;
    WSK_REGISTRATION Registration;
    UINT32 Phase; /* WSKT_PHASE_* */
    COMPONENT_ORIGIN Origin;
    NTSTATUS Status;
    volatile LONG NpiHeld;
    WORKER Worker;
    ECHO Echo;
} Component;

VOID ComponentInitialize(VOID)
{
    KeInitializeSpinLock(&Component.Lock);
    KeInitializeEvent(&Component.Settled, NotificationEvent, TRUE);
    KeInitializeEvent(&Component.Ended, NotificationEvent, TRUE);
    KeInitializeEvent(&Component.RegistryFree, SynchronizationEvent, TRUE);
    WorkerInitialize(&Component.Worker);
    EchoInitialize(&Component.Echo);
}

/* From one of the phases in the mask From to the phase To; FALSE if it is in none of them. */
static BOOLEAN ChangePhase(UINT32 From, UINT32 To, NTSTATUS Status)
{
    BOOLEAN settled = To != WSKT_PHASE_STARTING && To != WSKT_PHASE_STOPPING;
    BOOLEAN changed;
    KIRQL irql;

    KeAcquireSpinLock(&Component.Lock, &irql);
    changed = (From & (1u << Component.Phase)) != 0;
    if (changed) {
        Component.Phase = To;
        Component.Status = Status;
        if (settled) {
            (VOID) KeSetEvent(&Component.Settled, IO_NO_INCREMENT, FALSE);
        } else {
            KeClearEvent(&Component.Settled);
        }
    }
    KeReleaseSpinLock(&Component.Lock, irql);
    return changed;
}

#define PHASE(Name) (1u << WSKT_PHASE_##Name)

static VOID DescribeComponent(WSKT_RESULT *Result)
{
    KIRQL irql;

    KeAcquireSpinLock(&Component.Lock, &irql);
    Result->Value[WSKT_V_STATE_PHASE] = Component.Phase;
    Result->Value[WSKT_V_STATE_STATUS] = (UINT32)Component.Status;
    Result->Value[WSKT_V_STATE_VERSION] =
        Component.Phase != WSKT_PHASE_INACTIVE ? Component.Dispatch.Version : 0;
    Result->Value[WSKT_V_STATE_PORT] =
        Component.Phase == WSKT_PHASE_LISTENING ? Component.Echo.Listener.Port : 0;
    KeReleaseSpinLock(&Component.Lock, irql);
    Result->Value[WSKT_V_STATE_NEGOTIATED] = Component.Negotiated;
    Result->Value[WSKT_V_STATE_ACCEPTED] = (UINT32)Component.Echo.Accepted;
    Result->Value[WSKT_V_STATE_OPEN] = SocketsOpen();
    Result->Value[WSKT_V_STATE_BYTES] = (UINT64)Component.Echo.Bytes;
    Result->Value[WSKT_V_STATE_NPI_HELD] = Component.NpiHeld != 0;
    Result->Value[WSKT_V_STATE_ALLOCATIONS] = (UINT64)PoolBlocks(POOL_COMPONENT) + PoolBlocks(POOL_CASE);
}

/* RegistryFree held. PASSIVE_LEVEL. */
static NTSTATUS Register(UINT16 Version)
{
    WSK_CLIENT_NPI npi; /* read by WskRegister only; what it points to is global */
    NTSTATUS status;

    Component.Dispatch.Version = Version;
    Component.Dispatch.Reserved = 0;
    Component.Dispatch.WskClientEvent = NULL; /* version 1 has no events */
    npi.ClientContext = NULL;
    npi.Dispatch = &Component.Dispatch;
    status = FailHere() ? STATUS_INSUFFICIENT_RESOURCES : WskRegister(&npi, &Component.Registration);
    Component.Registered = (BOOLEAN)NT_SUCCESS(status);
    return status;
}

static VOID LockRegistry(VOID)
{
    /* No limit: it is held for calls that do not wait. */
    (VOID) WaitFor(&Component.RegistryFree, WAIT_FOREVER);
}

static VOID UnlockRegistry(VOID)
{
    (VOID) KeSetEvent(&Component.RegistryFree, IO_NO_INCREMENT, FALSE);
}

/* Who gets TRUE calls WskDeregister: nobody does so twice. */
static BOOLEAN ClaimDeregistration(BOOLEAN Stopping)
{
    BOOLEAN claimed;

    LockRegistry();
    claimed = Component.Registered;
    Component.Registered = FALSE;
    Component.Stopping = Component.Stopping || Stopping;
    UnlockRegistry();
    return claimed && !DEFECT(GUARD_SWAPPED);
}

/* The supported version that is nearest to the wanted one. Another major version has other tables. */
static NTSTATUS ChooseVersion(UINT16 *Version)
{
    WSK_PROVIDER_CHARACTERISTICS range = {0};
    NTSTATUS status = WskQueryProviderCharacteristics(&Component.Registration, &range);

    if (!NT_SUCCESS(status)) {
        return status;
    }
    *Version = WANTED_VERSION;
    if (*Version < range.LowestVersion) {
        *Version = range.LowestVersion;
    }
    if (*Version > range.HighestVersion) {
        *Version = range.HighestVersion;
    }
    return WSK_MAJOR_VERSION(*Version) == WSK_MAJOR_VERSION(WANTED_VERSION) ? STATUS_SUCCESS
                                                                            : STATUS_NOINTERFACE;
}

/* After STATUS_NOINTERFACE, when nothing is captured, so that the deregistration does not wait. */
static NTSTATUS Negotiate(VOID)
{
    UINT16 version;
    NTSTATUS status = ChooseVersion(&version);

    if (!NT_SUCCESS(status)) {
        return status;
    }
    LockRegistry();
    if (Component.Stopping || !Component.Registered) {
        status = STATUS_DEVICE_NOT_READY; /* as if the capture had been cancelled */
    } else {
        if (!DEFECT(REGISTERS_OVER)) {
            WskDeregister(&Component.Registration);
        }
        status = Register(version);
        Component.Negotiated = (BOOLEAN)NT_SUCCESS(status);
    }
    UnlockRegistry();
    return status;
}

static NTSTATUS Capture(WSK_PROVIDER_NPI *Npi)
{
    NTSTATUS status = FailHere() ? STATUS_INSUFFICIENT_RESOURCES
                                 : WskCaptureProviderNPI(&Component.Registration, WSK_INFINITE_WAIT, Npi);

    if (status == STATUS_NOINTERFACE) {
        status = Negotiate();
        if (NT_SUCCESS(status)) {
            status = WskCaptureProviderNPI(&Component.Registration, WSK_INFINITE_WAIT, Npi);
        }
    }
    return status;
}

static VOID ReleaseComponent(VOID)
{
    WskReleaseProviderNPI(&Component.Registration);
    (VOID) InterlockedDecrement(&Component.NpiHeld);
}

/* The ways to be without a release after the socket was made, or was not. */
static BOOLEAN KeepsNpi(NTSTATUS Status)
{
    return DEFECT(NO_RELEASE) || DEFECT(USED_AFTER_RELEASE) ||
           (NT_SUCCESS(Status) ? DEFECT(KEEPS_NPI) : DEFECT(ERROR_KEEPS_NPI));
}

/* Makes the listening socket; whatever comes of it, nothing stays captured. PASSIVE_LEVEL. */
static NTSTATUS Listen(VOID)
{
    WSK_PROVIDER_NPI npi = {0};
    NTSTATUS status = Capture(&npi);

    if (!NT_SUCCESS(status)) {
        return status; /* STATUS_DEVICE_NOT_READY: cancelled by a deregistration */
    }
    (VOID) InterlockedIncrement(&Component.NpiHeld);
    if (DEFECT(USED_AFTER_RELEASE)) {
        ReleaseComponent();
    }
    status = Component.Stopping ? STATUS_DEVICE_NOT_READY : EchoOpen(&Component.Echo, &npi);
    if (!KeepsNpi(status)) {
        ReleaseComponent();
    }
    if (DEFECT(RELEASES_TWICE)) {
        WskReleaseProviderNPI(&Component.Registration);
    }
    return status;
}

/* The worker. PASSIVE_LEVEL. */
static VOID ComponentWork(PVOID Context)
{
    NTSTATUS status = Listen();

    UNREFERENCED_PARAMETER(Context);
    if (NT_SUCCESS(status)) {
        /* Stopping by now is no harm: EchoServe closes what it finds. */
        (VOID) ChangePhase(PHASE(STARTING), WSKT_PHASE_LISTENING, STATUS_SUCCESS);
        EchoServe(&Component.Echo);
        if (DEFECT(KEEPS_NPI)) {
            ReleaseComponent();
        }
    } else if (!DEFECT(KEEPS_REGISTRATION) && ClaimDeregistration(FALSE)) {
        WskDeregister(&Component.Registration); /* nothing is held: it does not wait */
    }
    if (!NT_SUCCESS(status)) {
        (VOID) ChangePhase(PHASE(STARTING), WSKT_PHASE_FAILED, status);
    }
    (VOID) KeSetEvent(&Component.Ended, IO_NO_INCREMENT, FALSE);
}

/* RegistryFree held, so that a deactivation meets all of it or nothing. PASSIVE_LEVEL. */
static NTSTATUS BeginActivation(VOID)
{
    NTSTATUS status;

    /* No limit: where there was an activation that failed, its worker is about to return. */
    (VOID) WaitFor(&Component.Ended, WAIT_FOREVER);
    EchoInitialize(&Component.Echo);
    Component.Stopping = FALSE;
    Component.Negotiated = FALSE;
    status = Register(WANTED_VERSION);
    if (!NT_SUCCESS(status)) {
        return status;
    }
    KeClearEvent(&Component.Ended);
    status = WorkerStartAgain(&Component.Worker, ComponentWork, NULL);
    if (!NT_SUCCESS(status)) {
        (VOID) KeSetEvent(&Component.Ended, IO_NO_INCREMENT, FALSE);
        Component.Registered = FALSE;
        WskDeregister(&Component.Registration); /* nothing is held: it does not wait */
    }
    return status;
}

VOID ComponentActivate(COMPONENT_ORIGIN Origin, WSKT_RESULT *Result)
{
    NTSTATUS status;

    LockRegistry();
    if (ChangePhase(PHASE(INACTIVE) | (DEFECT(NEVER_RETRIED) ? 0 : PHASE(FAILED)), WSKT_PHASE_STARTING,
                    STATUS_SUCCESS)) {
        Component.Origin = Origin;
        status = BeginActivation();
        if (!NT_SUCCESS(status)) {
            (VOID) ChangePhase(PHASE(STARTING), WSKT_PHASE_FAILED, status);
        }
        Result->Status = (UINT32)status;
        DescribeComponent(Result);
    } else {
        Refuse(Result, STATUS_INVALID_DEVICE_STATE);
    }
    UnlockRegistry();
}

VOID ComponentDeactivate(WSKT_RESULT *Result)
{
    BOOLEAN claimed;

    if (!ChangePhase(PHASE(STARTING) | PHASE(LISTENING) | PHASE(FAILED), WSKT_PHASE_STOPPING,
                     STATUS_SUCCESS)) {
        Refuse(Result, STATUS_INVALID_DEVICE_STATE);
        return;
    }
    claimed = ClaimDeregistration(TRUE);
    (VOID) InterlockedExchange(&Component.Echo.Stop, 1);
    (VOID) KeSetEvent(&Component.Echo.Wake, IO_NO_INCREMENT, FALSE);
    if (claimed || DEFECT(DEREGISTERS_TWICE)) {
        /* Cancels a capture that waits; returns when the worker has closed the last socket. */
        WskDeregister(&Component.Registration);
    }
    /* No limit: the worker uses this image and the data that the next activation will use. */
    (VOID) WaitFor(&Component.Ended, WAIT_FOREVER);
    (VOID) ChangePhase(PHASE(STOPPING), WSKT_PHASE_INACTIVE, STATUS_SUCCESS);
    Result->Status = (UINT32)STATUS_SUCCESS;
    DescribeComponent(Result);
}

VOID ComponentState(UINT32 Ms, WSKT_RESULT *Result)
{
    Result->Status = (UINT32)WaitFor(&Component.Settled, Ms);
    DescribeComponent(Result);
}

BOOLEAN ComponentOnDemand(VOID)
{
    BOOLEAN active;
    KIRQL irql;

    KeAcquireSpinLock(&Component.Lock, &irql);
    active = Component.Phase != WSKT_PHASE_INACTIVE && Component.Origin == COMPONENT_ON_DEMAND;
    KeReleaseSpinLock(&Component.Lock, irql);
    return active;
}

VOID ComponentEnd(VOID)
{
    WorkerEnd(&Component.Worker);
}
