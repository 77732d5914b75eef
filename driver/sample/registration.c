/* registration.c - registering with WSK, negotiating the version, capturing the provider NPI. */
#include "registration.h"
#include "clock.h"
#include "failure.h"

#define WANTED_VERSION MAKE_WSK_VERSION(1, 0)

VOID RegistrationInitialize(CLIENT_REGISTRATION *Registration)
{
    KeInitializeEvent(&Registration->Free, SynchronizationEvent, TRUE);
}

VOID RegistrationLock(CLIENT_REGISTRATION *Registration)
{
    /* No limit: it is held for calls that do not wait. */
    (VOID) WaitFor(&Registration->Free, WAIT_FOREVER);
}

VOID RegistrationUnlock(CLIENT_REGISTRATION *Registration)
{
    (VOID) KeSetEvent(&Registration->Free, IO_NO_INCREMENT, FALSE);
}

_Requires_lock_held_(Registration->Free) _IRQL_requires_max_(PASSIVE_LEVEL) static NTSTATUS
    Register(CLIENT_REGISTRATION *Registration, UINT16 Version)
{
    WSK_CLIENT_NPI npi; /* read by WskRegister only; what it points to is global */
    NTSTATUS status = FailureHere();

    Registration->Dispatch.Version = Version;
    Registration->Dispatch.Reserved = 0;
    Registration->Dispatch.WskClientEvent = NULL; /* version 1 has no events */
    npi.ClientContext = NULL;
    npi.Dispatch = &Registration->Dispatch;
    if (NT_SUCCESS(status)) {
        status = WskRegister(&npi, &Registration->Block);
    }
    Registration->Registered = (BOOLEAN)NT_SUCCESS(status);
    return status;
}

NTSTATUS RegistrationBegin(CLIENT_REGISTRATION *Registration)
{
    Registration->Stopping = FALSE;
    Registration->Negotiated = FALSE;
    return Register(Registration, WANTED_VERSION);
}

BOOLEAN RegistrationClaim(CLIENT_REGISTRATION *Registration, BOOLEAN Stopping)
{
    BOOLEAN claimed;

    RegistrationLock(Registration);
    claimed = Registration->Registered;
    Registration->Registered = FALSE;
    Registration->Stopping = Registration->Stopping || Stopping;
    RegistrationUnlock(Registration);
    MISTAKE(GUARD_SWAPPED, claimed = FALSE);
    return claimed;
}

/* The supported version that is nearest to the wanted one. Another major version has other tables. */
static NTSTATUS ChooseVersion(CLIENT_REGISTRATION *Registration, UINT16 *Version)
{
    WSK_PROVIDER_CHARACTERISTICS range = {0};
    NTSTATUS status = WskQueryProviderCharacteristics(&Registration->Block, &range);

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
static NTSTATUS Negotiate(CLIENT_REGISTRATION *Registration)
{
    UINT16 version;
    NTSTATUS status = ChooseVersion(Registration, &version);

    if (!NT_SUCCESS(status)) {
        return status;
    }
    RegistrationLock(Registration);
    if (Registration->Stopping || !Registration->Registered) {
        status = STATUS_DEVICE_NOT_READY; /* as if the capture had been cancelled */
    } else {
        OMISSION(REGISTERS_OVER, WskDeregister(&Registration->Block));
        status = Register(Registration, version);
        Registration->Negotiated = (BOOLEAN)NT_SUCCESS(status);
    }
    RegistrationUnlock(Registration);
    return status;
}

NTSTATUS RegistrationCapture(CLIENT_REGISTRATION *Registration, WSK_PROVIDER_NPI *Npi)
{
    NTSTATUS status = FailureHere();

    if (NT_SUCCESS(status)) {
        status = WskCaptureProviderNPI(&Registration->Block, WSK_INFINITE_WAIT, Npi);
    }
    if (status == STATUS_NOINTERFACE) {
        status = Negotiate(Registration);
        if (NT_SUCCESS(status)) {
            status = WskCaptureProviderNPI(&Registration->Block, WSK_INFINITE_WAIT, Npi);
        }
    }
    if (NT_SUCCESS(status)) {
        (VOID) InterlockedIncrement(&Registration->NpiHeld);
    }
    return status;
}

VOID RegistrationRelease(CLIENT_REGISTRATION *Registration)
{
    WskReleaseProviderNPI(&Registration->Block);
    (VOID) InterlockedDecrement(&Registration->NpiHeld);
}
