/*
 * seams.h - where the model can be built broken: its registrations, captures and versions.
 *
 * Each seam stands for one documented rule. The file that keeps the rule hands it what is documented, and
 * goes on with what comes back: the same, but in a model that is built with a defect of that rule
 * (defects.h). So nothing but the seams knows of defects, and every other build drops them.
 */
#pragma once

#include "defects.h"

/* WskRegister takes any client, however many there are, and any block, and changes nothing of either. */
_IRQL_requires_max_(PASSIVE_LEVEL) static inline NTSTATUS
    SeamRegister(const WSK_CLIENT_NPI *Npi, const WSK_REGISTRATION *Registration)
{
    BOOLEAN left = Registration->ReservedRegistrationState == STATE_DEREGISTERED;

    if (DEFECT(SECOND_REFUSED) && Model.Counters.Registrations != 0) {
        return STATUS_DEVICE_BUSY;
    }
    if ((DEFECT(BLOCK_READ) && Registration->ReservedRegistrationState != 0 && !left) ||
        (DEFECT(BLOCK_LEFT_REFUSED) && left) ||
        (DEFECT(BLOCK_REMEMBERED) && Registration == Model.Seam.Left && !left)) {
        return STATUS_INVALID_PARAMETER;
    }
    if (DEFECT(EVENT_CALLED) && Npi->Dispatch->WskClientEvent != NULL) {
        (VOID) Npi->Dispatch->WskClientEvent(Npi->ClientContext, 0, NULL, 0);
    } else if (DEFECT(TABLE_WRITTEN)) {
        ((WSK_CLIENT_DISPATCH *)(ULONG_PTR)Npi->Dispatch)->Reserved = 1;
    }
    return STATUS_SUCCESS;
}

/* A client begins with nothing of the one that had its block before. */
_IRQL_requires_max_(PASSIVE_LEVEL) static inline VOID
    SeamBegin(CLIENT *Client, const WSK_CLIENT_NPI *Npi, const WSK_REGISTRATION *Registration)
{
    Client->Seam.Npi = Npi;
    if (Registration->ReservedRegistrationState != STATE_DEREGISTERED) {
        return;
    }
    if (DEFECT(VERSION_KEPT)) {
        Client->Version = (USHORT)Registration->ReservedRegistrationLock;
    } else if (DEFECT(REFUSAL_KEPT)) {
        Client->Seam.Refused = Registration->ReservedRegistrationLock != 0;
    }
}

/* Nor does it leave anything to the next. */
_IRQL_requires_(DISPATCH_LEVEL) _Requires_lock_held_(Model.Lock) static inline VOID
    SeamEnd(const CLIENT *Client, WSK_REGISTRATION *Registration)
{
    if (DEFECT(BLOCK_REMEMBERED)) {
        Model.Seam.Left = Registration;
    } else if (DEFECT(VERSION_KEPT)) {
        Registration->ReservedRegistrationLock = Client->Version;
    } else if (DEFECT(REFUSAL_KEPT)) {
        Registration->ReservedRegistrationLock = Client->Seam.Refused;
    }
}

/* WskDeregister waits until nothing holds the client, which had so many holds when it began. */
_IRQL_requires_(DISPATCH_LEVEL) _Requires_lock_held_(Model.Lock) static inline BOOLEAN
    SeamAwaits(BOOLEAN Documented, const CLIENT *Client, UINT32 Began)
{
    if (DEFECT(NO_WAIT) || (DEFECT(FIRST_RELEASE) && Client->References < Began) ||
        (DEFECT(SOCKETS_NOT_AWAITED) && Client->References == Client->Sockets)) {
        return FALSE;
    }
    return Documented || (DEFECT(OTHERS_AWAITED) && Model.Counters.Captures != 0);
}

/* The last to give back a hold wakes it. */
_IRQL_requires_(DISPATCH_LEVEL) _Requires_lock_held_(Model.Lock) static inline BOOLEAN
    SeamIdle(BOOLEAN Documented)
{
    return Documented || DEFECT(FIRST_RELEASE);
}

/* It frees what WskRegister allocated. */
_IRQL_requires_max_(PASSIVE_LEVEL) static inline BOOLEAN SeamFrees(BOOLEAN Documented)
{
    return Documented && !DEFECT(LEAK_REGISTRATION);
}

/* It cancels each WSK_TRANSPORT_LIST_CHANGE. */
_IRQL_requires_(DISPATCH_LEVEL) _Requires_lock_held_(Model.Lock) static inline BOOLEAN
    SeamCancelsChange(BOOLEAN Documented)
{
    return Documented && !DEFECT(CHANGE_NOT_CANCELLED);
}

/* It wakes those of its client that wait for readiness; readiness itself (no client) wakes all. */
_IRQL_requires_(DISPATCH_LEVEL) _Requires_lock_held_(Model.Lock) static inline BOOLEAN
    SeamWakes(BOOLEAN Documented, const WAITER *Waiter, const CLIENT *Client)
{
    if (Client != NULL) {
        return (Documented || DEFECT(ALL_CANCELLED)) && !DEFECT(WAITER_NOT_CANCELLED);
    }
    return Documented && (!DEFECT(WAKES_ONE) || &Waiter->Link == Model.Waiters.Flink);
}

/* Whoever was woken looks again, and is refused only if it was its own client that is being deregistered. */
_IRQL_requires_(DISPATCH_LEVEL) _Requires_lock_held_(Model.Lock) static inline NTSTATUS
    SeamWoken(NTSTATUS Documented)
{
    return DEFECT(ALL_CANCELLED) && ClockMs() < Model.ReadyAt ? STATUS_DEVICE_NOT_READY : Documented;
}

/* A block that is not registered is refused, and no other at once. */
_IRQL_requires_(DISPATCH_LEVEL) _Requires_lock_held_(Model.Lock) static inline NTSTATUS
    SeamBegun(NTSTATUS Documented)
{
    if (DEFECT(RARE_REFUSAL) && Model.Counters.CaptureCalls % 500 == 0) {
        return STATUS_DEVICE_NOT_READY;
    }
    return DEFECT(CAPTURE_AFTER) && Documented == STATUS_DEVICE_NOT_READY ? STATUS_SUCCESS : Documented;
}

/* A client that is being deregistered is refused. */
_IRQL_requires_(DISPATCH_LEVEL) _Requires_lock_held_(Model.Lock) static inline BOOLEAN
    SeamRefuses(BOOLEAN Documented, BOOLEAN Ready)
{
    return Documented && !(DEFECT(CAPTURE_DURING) && Ready);
}

/* A capture is decided when the provider is ready, whatever the version and the time that is left. */
_IRQL_requires_(DISPATCH_LEVEL) _Requires_lock_held_(Model.Lock) static inline BOOLEAN
    SeamDecides(BOOLEAN Documented, CLIENT *Client, BOOLEAN TimeLeft)
{
    if (DEFECT(VERSION_AWAITED) && TimeLeft && !RangeServes(Client)) {
        return FALSE;
    }
    return Documented || (DEFECT(VERSION_EARLY) && !RangeServes(Client));
}

/* A capture waits as many milliseconds as it may. */
_IRQL_requires_max_(DISPATCH_LEVEL) static inline UINT64 SeamDeadline(UINT64 Documented, ULONG Ms)
{
    UINT64 began = Documented - Ms;

    if (DEFECT(TIMEOUT_IGNORED)) {
        return began;
    }
    if (DEFECT(TIMEOUT_SHORT)) {
        return began + Ms / 2;
    }
    if (DEFECT(TIMEOUT_LONG)) {
        return began + (UINT64)Ms * 156 / 10;
    }
    if (DEFECT(NO_WAIT_WAITS) && Ms == WSK_NO_WAIT) {
        return began + 4000;
    }
    return DEFECT(TIMEOUT_INFINITE) && Ms != WSK_NO_WAIT ? NEVER : Documented;
}

/* A waiter sleeps until the provider is ready, if that is before its own deadline. */
_IRQL_requires_(DISPATCH_LEVEL) _Requires_lock_held_(Model.Lock) static inline UINT64
    SeamSleeps(UINT64 Documented, UINT64 Deadline, UINT64 Now)
{
    if ((DEFECT(READY_MISSED) && Deadline != NEVER) || (DEFECT(VERSION_AWAITED) && Now >= Model.ReadyAt)) {
        return Deadline;
    }
    return Documented;
}

/* A capture reads nothing of what it is to write, and allocates nothing. */
_IRQL_requires_(DISPATCH_LEVEL) _Requires_lock_held_(Model.Lock) static inline NTSTATUS
    SeamCapture(const WSK_PROVIDER_NPI *Npi)
{
    if (DEFECT(LEAK_CAPTURE)) {
        (VOID) ModelAllocate(128);
    }
    return DEFECT(NPI_READ) && Npi->Client != NULL ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS;
}

/* It hands out the client object of its own client. */
_IRQL_requires_(DISPATCH_LEVEL) _Requires_lock_held_(Model.Lock) static inline PWSK_CLIENT
    SeamClient(CLIENT *Client)
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

/* Each release counts. */
_IRQL_requires_(DISPATCH_LEVEL) _Requires_lock_held_(Model.Lock) static inline BOOLEAN
    SeamReleases(const CLIENT *Client)
{
    return !DEFECT(RELEASE_LOST) || Client->Captures == 1;
}

/* The query is answered when the provider is ready, whether or not something was captured. */
_IRQL_requires_(DISPATCH_LEVEL) _Requires_lock_held_(Model.Lock) static inline BOOLEAN
    SeamAnswers(BOOLEAN Documented, const CLIENT *Client)
{
    return (Documented || DEFECT(QUERY_EARLY)) && !(DEFECT(QUERY_REFUSED) && Client->Captures == 0);
}

/* The query tells the lowest version that is served, whatever is in the variable for it. */
_IRQL_requires_(DISPATCH_LEVEL) _Requires_lock_held_(Model.Lock) static inline USHORT
    SeamLowest(USHORT Documented, USHORT Found)
{
    if (DEFECT(RANGE_LOW)) {
        return (USHORT)(Documented - 1);
    }
    if (DEFECT(RANGE_LATE) && Documented < Model.Highest) {
        return (USHORT)(Documented + 1);
    }
    if (DEFECT(QUERY_SWAPPED)) {
        return Model.Highest;
    }
    return DEFECT(RANGE_READ) && Found != 0 ? Found : Documented;
}

/* And the highest. */
_IRQL_requires_(DISPATCH_LEVEL) _Requires_lock_held_(Model.Lock) static inline USHORT
    SeamHighest(USHORT Documented)
{
    if (DEFECT(RANGE_HIGH)) {
        return (USHORT)(Documented + 1);
    }
    if (DEFECT(RANGE_SHORT) && Model.Lowest < Documented) {
        return (USHORT)(Documented - 1);
    }
    return DEFECT(QUERY_SWAPPED) ? Model.Lowest : Documented;
}

/* A version that a client asked for when it registered is served if it is in the range. */
_IRQL_requires_(DISPATCH_LEVEL) _Requires_lock_held_(Model.Lock) static inline BOOLEAN
    SeamServes(BOOLEAN Documented, CLIENT *Client)
{
    USHORT version = DEFECT(NPI_READ_LATE) ? Client->Seam.Npi->Dispatch->Version : Client->Version;

    if (DEFECT(NPI_READ_LATE)) {
        return version >= Model.Lowest && version <= Model.Highest;
    }
    if (DEFECT(MINOR_UNCHECKED)) {
        return version >= Model.Lowest && version <= (Model.Highest | 0xFF);
    }
    if (DEFECT(LOWEST_UNCHECKED)) {
        return version <= Model.Highest;
    }
    if (DEFECT(HIGHEST_REFUSED)) {
        return Documented && version != Model.Highest;
    }
    if (DEFECT(BETWEEN_REFUSED)) {
        return Documented && (version == Model.Lowest || version == Model.Highest);
    }
    if (DEFECT(REFUSAL_KEPT)) {
        Client->Seam.Refused = Client->Seam.Refused || !Documented;
        return !Client->Seam.Refused;
    }
    return Documented || DEFECT(NO_VERSION_CHECK);
}
