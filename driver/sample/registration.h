/* registration.h - a client of WSK, from WskRegister to WskDeregister, and the NPI that it captures. */
#pragma once

#include "kernel.h"
#include "wskddk.h"

/* Global, since WSK keeps the registration and the dispatch table until the deregistration. */
typedef struct CLIENT_REGISTRATION {
    KEVENT Free;        /* a lock that can be held while WSK registers; for all below */
    BOOLEAN Registered; /* somebody has to deregister; who clears it does */
    BOOLEAN Stopping;   /* no more registrations */
    BOOLEAN Negotiated; /* registered anew, within the provider's range of versions */
    WSK_CLIENT_DISPATCH Dispatch;
    WSK_REGISTRATION Block;
    volatile LONG NpiHeld;
} CLIENT_REGISTRATION;

_IRQL_requires_max_(PASSIVE_LEVEL) VOID RegistrationInitialize(CLIENT_REGISTRATION *Registration);

_Acquires_lock_(Registration->Free) _IRQL_requires_max_(PASSIVE_LEVEL) VOID
    RegistrationLock(CLIENT_REGISTRATION *Registration);
_Releases_lock_(Registration->Free) _IRQL_requires_max_(PASSIVE_LEVEL) VOID
    RegistrationUnlock(CLIENT_REGISTRATION *Registration);

/* Registers with the version that this client is written for. */
_Requires_lock_held_(Registration->Free) _IRQL_requires_max_(PASSIVE_LEVEL) _Must_inspect_result_ NTSTATUS
    RegistrationBegin(CLIENT_REGISTRATION *Registration);

/* TRUE once for each registration: who gets it calls WskDeregister, and nobody does so twice. */
_IRQL_requires_max_(PASSIVE_LEVEL) _Must_inspect_result_ BOOLEAN
    RegistrationClaim(CLIENT_REGISTRATION *Registration, BOOLEAN Stopping);

/*
 * Captures the provider NPI, however long the provider takes to be there, and registers anew where it does
 * not have the version. STATUS_DEVICE_NOT_READY: cancelled by a deregistration.
 */
_IRQL_requires_max_(PASSIVE_LEVEL) _Must_inspect_result_ NTSTATUS
    RegistrationCapture(CLIENT_REGISTRATION *Registration, WSK_PROVIDER_NPI *Npi);

/* Undoes a capture. */
_IRQL_requires_max_(DISPATCH_LEVEL) VOID RegistrationRelease(CLIENT_REGISTRATION *Registration);
