/*
 * server.c - the sample's WSK client, from its activation to its deactivation.
 *
 * Registration is quick, and done by whoever activates the server, DriverEntry included. All that
 * may take time is done on a worker: capturing the provider NPI (with an infinite wait, which the
 * deregistration cancels), registering anew where the provider does not have the version, and
 * serving. The NPI is released as soon as the listening socket is there: sockets outlive it.
 */
#include "server.h"
#include "clock.h"
#include "echo.h"
#include "registration.h"
#include "worker.h"

static struct SERVER {
    KSPIN_LOCK Lock; /* for Phase, Status */
    KEVENT Settled;  /* set while the phase is not STARTING or STOPPING */
    KEVENT Ended;    /* set while the worker has nothing to do */
    SERVER_PHASE Phase;
    NTSTATUS Status;
    CLIENT_REGISTRATION Registration;
    WORKER Worker;
    ECHO Echo;
} Server;

VOID ServerInitialize(VOID)
{
    KeInitializeSpinLock(&Server.Lock);
    KeInitializeEvent(&Server.Settled, NotificationEvent, TRUE);
    KeInitializeEvent(&Server.Ended, NotificationEvent, TRUE);
    RegistrationInitialize(&Server.Registration);
    WorkerInitialize(&Server.Worker, POOL_SERVER);
    EchoInitialize(&Server.Echo);
}

#define PHASE(Name) (1u << SERVER_##Name)

/* From one of the phases in the mask From to the phase To; FALSE if it is in none of them. */
static BOOLEAN ChangePhase(UINT32 From, SERVER_PHASE To, NTSTATUS Status)
{
    BOOLEAN settled = To != SERVER_STARTING && To != SERVER_STOPPING;
    BOOLEAN changed;
    KIRQL irql;

    KeAcquireSpinLock(&Server.Lock, &irql);
    changed = (From & (1u << Server.Phase)) != 0;
    if (changed) {
        Server.Phase = To;
        Server.Status = Status;
        if (settled) {
            (VOID) KeSetEvent(&Server.Settled, IO_NO_INCREMENT, FALSE);
        } else {
            KeClearEvent(&Server.Settled);
        }
    }
    KeReleaseSpinLock(&Server.Lock, irql);
    return changed;
}

/* The listening socket has been made, or not: the NPI is released, and nothing stays captured. */
static VOID ReleaseNpi(NTSTATUS Opened)
{
    BOOLEAN release = TRUE;

    MISTAKE(NO_RELEASE, release = FALSE);
    MISTAKE(USED_AFTER_RELEASE, release = FALSE);
    MISTAKE(KEEPS_NPI, release = !NT_SUCCESS(Opened));
    MISTAKE(ERROR_KEEPS_NPI, release = NT_SUCCESS(Opened));
    UNREFERENCED_PARAMETER(Opened);
    if (release) {
        RegistrationRelease(&Server.Registration);
    }
    MISTAKE(RELEASES_TWICE, WskReleaseProviderNPI(&Server.Registration.Block));
}

/* Makes the listening socket. */
_IRQL_requires_max_(PASSIVE_LEVEL) static NTSTATUS Listen(VOID)
{
    WSK_PROVIDER_NPI npi = {0};
    NTSTATUS status = RegistrationCapture(&Server.Registration, &npi);

    if (!NT_SUCCESS(status)) {
        return status;
    }
    MISTAKE(USED_AFTER_RELEASE, RegistrationRelease(&Server.Registration));
    status = Server.Registration.Stopping ? STATUS_DEVICE_NOT_READY : EchoOpen(&Server.Echo, &npi);
    ReleaseNpi(status);
    return status;
}

/* Whoever claims the registration deregisters. Does not wait where nothing is held. */
_IRQL_requires_max_(PASSIVE_LEVEL) static VOID Deregister(VOID)
{
    if (RegistrationClaim(&Server.Registration, FALSE)) {
        WskDeregister(&Server.Registration.Block);
    }
}

/* The worker. */
_IRQL_requires_max_(PASSIVE_LEVEL) static VOID ServerWork(PVOID Context)
{
    NTSTATUS status = Listen();

    UNREFERENCED_PARAMETER(Context);
    if (NT_SUCCESS(status)) {
        /* Stopping by now is no harm: EchoServe closes what it finds. */
        (VOID) ChangePhase(PHASE(STARTING), SERVER_LISTENING, STATUS_SUCCESS);
        EchoServe(&Server.Echo);
        MISTAKE(KEEPS_NPI, RegistrationRelease(&Server.Registration));
    } else {
        OMISSION(KEEPS_REGISTRATION, Deregister());
        (VOID) ChangePhase(PHASE(STARTING), SERVER_FAILED, status);
    }
    (VOID) KeSetEvent(&Server.Ended, IO_NO_INCREMENT, FALSE);
}

/* The registration's lock is held, so that a deactivation meets all of it or nothing. */
_IRQL_requires_max_(PASSIVE_LEVEL) static NTSTATUS BeginActivation(VOID)
{
    NTSTATUS status;

    /* No limit: where there was an activation that failed, its worker is about to return. */
    (VOID) WaitFor(&Server.Ended, WAIT_FOREVER);
    EchoInitialize(&Server.Echo);
    status = RegistrationBegin(&Server.Registration);
    if (!NT_SUCCESS(status)) {
        return status;
    }
    KeClearEvent(&Server.Ended);
    status = WorkerStartAgain(&Server.Worker, ServerWork, NULL);
    if (!NT_SUCCESS(status)) {
        (VOID) KeSetEvent(&Server.Ended, IO_NO_INCREMENT, FALSE);
        Server.Registration.Registered = FALSE;
        WskDeregister(&Server.Registration.Block); /* nothing is held: it does not wait */
    }
    return status;
}

BOOLEAN ServerActivate(NTSTATUS *Status)
{
    UINT32 startable = PHASE(INACTIVE) | PHASE(FAILED);
    BOOLEAN activated;

    MISTAKE(NEVER_RETRIED, startable = PHASE(INACTIVE));
    RegistrationLock(&Server.Registration);
    activated = ChangePhase(startable, SERVER_STARTING, STATUS_SUCCESS);
    if (activated) {
        *Status = BeginActivation();
        if (!NT_SUCCESS(*Status)) {
            (VOID) ChangePhase(PHASE(STARTING), SERVER_FAILED, *Status);
        }
    }
    RegistrationUnlock(&Server.Registration);
    return activated;
}

BOOLEAN ServerDeactivate(VOID)
{
    BOOLEAN claimed;

    if (!ChangePhase(PHASE(STARTING) | PHASE(LISTENING) | PHASE(FAILED), SERVER_STOPPING, STATUS_SUCCESS)) {
        return FALSE;
    }
    claimed = RegistrationClaim(&Server.Registration, TRUE);
    EchoStop(&Server.Echo);
    MISTAKE(DEREGISTERS_TWICE, claimed = TRUE);
    if (claimed) {
        /* Cancels a capture that waits; returns when the worker has closed the last socket. */
        WskDeregister(&Server.Registration.Block);
    }
    /* No limit: the worker uses this image and the data that the next activation will use. */
    (VOID) WaitFor(&Server.Ended, WAIT_FOREVER);
    (VOID) ChangePhase(PHASE(STOPPING), SERVER_INACTIVE, STATUS_SUCCESS);
    return TRUE;
}

NTSTATUS ServerSettle(UINT32 Ms) { return WaitFor(&Server.Settled, Ms); }

VOID ServerDescribe(SERVER_STATE *State)
{
    KIRQL irql;

    KeAcquireSpinLock(&Server.Lock, &irql);
    State->Phase = Server.Phase;
    State->Status = Server.Status;
    State->Version = Server.Phase != SERVER_INACTIVE ? Server.Registration.Dispatch.Version : 0;
    State->Port = Server.Phase == SERVER_LISTENING ? Server.Echo.Listener.Port : 0;
    KeReleaseSpinLock(&Server.Lock, irql);
    State->Negotiated = Server.Registration.Negotiated;
    State->NpiHeld = Server.Registration.NpiHeld != 0;
    State->Accepted = (UINT32)Server.Echo.Accepted;
    State->Bytes = (UINT64)Server.Echo.Bytes;
}

VOID ServerEnd(VOID) { WorkerEnd(&Server.Worker); }
