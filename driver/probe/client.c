/*
 * client.c - registration and deregistration of named WSK clients, and what they have left behind.
 *
 * The counts are kept where WSK is really called, not where a step says that it was: a call that is
 * left out shows as a registration or a capture that never ends.
 */
#include "client.h"
#include "pool.h"

static PASSIVE_ROUTINE RegisterRun, DeregisterRun;
static OPERATION_CHECK RegisterCheck;

/* What calls that are about to return may take on a busy machine. */
#define DRAIN_MS 2000u

static CLIENT Clients[WSKT_MAX_CLIENTS];

/* Events that came without a ClientContext: whose they are can't be known, so they count for all. */
static volatile LONG AnonymousEvents;

CLIENT *ClientAt(UINT32 Index) { return &Clients[Index]; }

VOID ClientsInitialize(VOID)
{
    for (UINT32 i = 0; i < WSKT_MAX_CLIENTS; i++) {
        KeInitializeSpinLock(&Clients[i].Lock);
    }
}

/* WSK_CLIENT_DISPATCH.WskClientEvent: version 1 defines no event, so it must never be called. */
static NTSTATUS WSKAPI ClientEvent(PVOID ClientContext, ULONG EventType, PVOID Information,
                                   SIZE_T InformationLength)
{
    CLIENT *client = ClientContext;

    UNREFERENCED_PARAMETER(EventType);
    UNREFERENCED_PARAMETER(Information);
    UNREFERENCED_PARAMETER(InformationLength);
    (VOID) InterlockedIncrement(client != NULL ? &client->Events : &AnonymousEvents);
    return STATUS_SUCCESS;
}

UINT64 ClientEvents(const CLIENT *Client)
{
    return (UINT64)(UINT32)Client->Events + (UINT64)(UINT32)AnonymousEvents;
}

/*
 * Lets go of a registration in pool once WSK can no longer touch it. Lock held. Returns what the
 * caller frees after unlocking, or NULL.
 */
static REGISTRATION *DetachPooled(CLIENT *Client)
{
    REGISTRATION *pooled = Client->Registration;

    if (pooled == NULL || pooled == &Client->Static || Client->Calls != 0 || Client->Captures != 0 ||
        (Client->State != CLIENT_DEREGISTERED && Client->State != CLIENT_DRAINING &&
         Client->State != CLIENT_UNUSED)) {
        return NULL;
    }
    Client->Registration = NULL;
    return pooled;
}

VOID ClientEndCall(CLIENT *Client, KIRQL Irql)
{
    REGISTRATION *pooled;

    Client->Calls--;
    pooled = DetachPooled(Client);
    KeReleaseSpinLock(&Client->Lock, Irql);
    if (pooled != NULL && !DEFECT(LEAK_BLOCK)) {
        PoolFree(POOL_CASE, pooled);
    }
}

/*
 * Fills in what WskRegister takes. Unless it is asked for, the block is not touched: a client that registers
 * anew hands back what WskDeregister has left, and what a provider makes of that must show.
 */
static VOID Prepare(REGISTRATION *Registration, CLIENT *Client, const UINT64 *Arg)
{
    UINT32 flags = (UINT32)Arg[2];

    if ((flags & WSKT_REG_FILLED_BLOCK) != 0) {
        RtlFillMemory(&Registration->Block, sizeof(Registration->Block), 0xAA);
    } else if ((flags & WSKT_REG_ZEROED_BLOCK) != 0) {
        RtlZeroMemory(&Registration->Block, sizeof(Registration->Block));
    }
    Registration->Dispatch.Version = (UINT16)Arg[1];
    Registration->Dispatch.Reserved = (UINT16)Arg[3];
    Registration->Dispatch.WskClientEvent = (flags & WSKT_REG_EVENT_CALLBACK) != 0 ? ClientEvent : NULL;
    Registration->Given = Registration->Dispatch;
    Registration->Npi.ClientContext = (flags & WSKT_REG_CONTEXT) != 0 ? Client : NULL;
    Registration->Npi.Dispatch = (flags & WSKT_REG_NULL_DISPATCH) != 0 ? NULL : &Registration->Dispatch;
}

_IRQL_requires_max_(PASSIVE_LEVEL) static NTSTATUS CallRegister(REGISTRATION *Registration, UINT32 Flags)
{
    WSK_CLIENT_NPI npi = Registration->Npi;
    NTSTATUS status;

    if ((Flags & WSKT_REG_STACK_NPI) == 0) {
        return WskRegister(&Registration->Npi, &Registration->Block);
    }
    status = WskRegister(&npi, &Registration->Block);
    RtlFillMemory(&npi, sizeof(npi), 0xCC);
    /* The compiler must not drop the overwriting of a variable that is about to end. */
    if (*(volatile UINT8 *)&npi != 0xCC) {
        status = STATUS_INTERNAL_ERROR;
    }
    return status;
}

/*
 * A block that is deregistered may still be in use by captures that will fail, and by releases on their way
 * back; it must not be registered again before they are. Nothing new begins meanwhile. Lock held at entry and
 * at exit, not in between.
 */
_IRQL_requires_max_(PASSIVE_LEVEL) static VOID Drain(CLIENT *Client, PKIRQL Irql)
{
    UINT64 deadline = DeadlineIn(DRAIN_MS);

    Client->State = CLIENT_DRAINING;
    while ((Client->Calls != 0 || Client->Captures != 0) && DeadlineLeft(deadline) != 0) {
        KeReleaseSpinLock(&Client->Lock, *Irql);
        SleepMs(0);
        KeAcquireSpinLock(&Client->Lock, Irql);
    }
    Client->State = CLIENT_DEREGISTERED;
}

/* Whether the client's state allows a registration with that block. */
_Requires_lock_held_(Client->Lock) static NTSTATUS
    AdmitRegister(const CLIENT *Client, const REGISTRATION *Registration, BOOLEAN Misuse)
{
    if (Client->State == CLIENT_REGISTERED || Client->State == CLIENT_DEREGISTERING ||
        Client->State == CLIENT_REGISTERING || Client->State == CLIENT_DRAINING) {
        /* Registering the same block once more is a misuse that can be asked for. */
        return Misuse && Client->Registration == Registration ? STATUS_SUCCESS : STATUS_INVALID_DEVICE_STATE;
    }
    return Client->Calls != 0 || Client->Captures != 0 ? STATUS_DEVICE_BUSY : STATUS_SUCCESS;
}

static VOID RegisterRun(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    const UINT64 *arg = Call->Step.Arg;
    UINT32 flags = (UINT32)arg[2];
    CLIENT *client = ClientAt(ClientArg(Call, 0));
    REGISTRATION *registration = &client->Static;
    BOOLEAN again = FALSE;
    NTSTATUS status;
    KIRQL irql;

    if ((flags & WSKT_REG_NULL_DISPATCH) != 0 && !Misuse(Call)) {
        Refuse(Result, STATUS_INVALID_PARAMETER);
        return;
    }
    if ((flags & WSKT_REG_POOL_BLOCK) != 0) {
        registration = PoolAllocate(POOL_CASE, sizeof(*registration));
        if (registration == NULL) {
            Refuse(Result, STATUS_INSUFFICIENT_RESOURCES);
            return;
        }
    }

    KeAcquireSpinLock(&client->Lock, &irql);
    if (client->State == CLIENT_DEREGISTERED && (client->Calls != 0 || client->Captures != 0)) {
        Drain(client, &irql);
    }
    status = AdmitRegister(client, registration, Misuse(Call));
    if (NT_SUCCESS(status)) {
        again = client->State != CLIENT_UNUSED && client->State != CLIENT_DEREGISTERED;
        if (!again) {
            client->State = CLIENT_REGISTERING;
            client->Registration = registration;
        }
        client->Calls++;
    }
    KeReleaseSpinLock(&client->Lock, irql);
    if (!NT_SUCCESS(status)) {
        if (registration != &client->Static) {
            PoolFree(POOL_CASE, registration);
        }
        Refuse(Result, status);
        return;
    }

    Prepare(registration, client, arg);
    status = CallRegister(registration, flags);

    KeAcquireSpinLock(&client->Lock, &irql);
    if (NT_SUCCESS(status)) {
        client->State = CLIENT_REGISTERED;
        client->Registrations++;
        if (!again) {
            RtlZeroMemory(&client->Captured, sizeof(client->Captured));
        }
    } else if (!again) {
        client->State = CLIENT_UNUSED; /* nothing to undo; a block in pool goes with the call */
    }
    Result->Status = (UINT32)status;
    Result->Value[WSKT_V_REGISTER_EVENTS] = ClientEvents(client);
    Result->Value[WSKT_V_REGISTER_VERSION] = arg[1];
    ClientEndCall(client, irql);
}

static NTSTATUS RegisterCheck(const STEP_CALL *Call)
{
    const UINT64 *arg = Call->Step.Arg;

    return Sound(IsClient(Call, arg[0]) && arg[1] <= 0xFFFF && arg[2] <= WSKT_REG_OPTIONS &&
                 arg[3] <= 0xFFFF);
}

static BOOLEAN TableKept(const REGISTRATION *Registration)
{
    const WSK_CLIENT_DISPATCH *given = &Registration->Given;
    const WSK_CLIENT_DISPATCH *is = &Registration->Dispatch;

    return is->Version == given->Version && is->Reserved == given->Reserved &&
           is->WskClientEvent == given->WskClientEvent;
}

VOID ClientDeregister(UINT32 Index, BOOLEAN Misuse, WSKT_RESULT *Result)
{
    CLIENT *client = ClientAt(Index);
    REGISTRATION *registration;
    BOOLEAN allowed;
    BOOLEAN first;
    KIRQL irql;

    KeAcquireSpinLock(&client->Lock, &irql);
    registration = client->Registration;
    first = client->State == CLIENT_REGISTERED;
    allowed = registration != NULL && (first || Misuse);
    if (allowed) {
        client->State = CLIENT_DEREGISTERING;
        client->Calls++;
    }
    KeReleaseSpinLock(&client->Lock, irql);
    if (!allowed) {
        Refuse(Result, STATUS_INVALID_DEVICE_STATE);
        return;
    }

    /* Blocks until every capture is released and every socket of the client is closed. */
    WskDeregister(&registration->Block);

    KeAcquireSpinLock(&client->Lock, &irql);
    client->State = CLIENT_DEREGISTERED;
    if (client->Registrations > 0) {
        client->Registrations--;
    }
    Result->Status = (UINT32)STATUS_SUCCESS; /* it returns nothing: that it returned is the result */
    Result->Value[WSKT_V_DEREGISTER_CAPTURES] = (UINT64)(UINT32)(client->Captures - client->Releasing);
    Result->Value[WSKT_V_DEREGISTER_TABLE_KEPT] = TableKept(registration);
    ClientEndCall(client, irql);
}

static VOID DeregisterRun(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    ClientDeregister(ClientArg(Call, 0), Misuse(Call), Result);
}

NTSTATUS ClientCheck(const STEP_CALL *Call) { return Sound(IsClient(Call, Call->Step.Arg[0])); }

VOID ClientsCount(UINT32 *Registrations, UINT32 *Captures)
{
    *Registrations = 0;
    *Captures = 0;
    for (UINT32 i = 0; i < WSKT_MAX_CLIENTS; i++) {
        /* Each is one aligned LONG, which is read whole without the lock. */
        *Registrations += (UINT32) * (const volatile LONG *)&Clients[i].Registrations;
        *Captures += (UINT32) * (const volatile LONG *)&Clients[i].Captures;
    }
}

BOOLEAN ClientHolds(UINT32 Index) { return *(const volatile LONG *)&Clients[Index].Captures > 0; }

BOOLEAN ClientNeedsDeregister(UINT32 Index)
{
    return *(const volatile CLIENT_STATE *)&Clients[Index].State == CLIENT_REGISTERED;
}

VOID ClientsForget(VOID)
{
    (VOID) InterlockedExchange(&AnonymousEvents, 0);
    for (UINT32 i = 0; i < WSKT_MAX_CLIENTS; i++) {
        CLIENT *client = &Clients[i];
        KIRQL irql;

        KeAcquireSpinLock(&client->Lock, &irql);
        if ((client->State == CLIENT_DEREGISTERED || client->State == CLIENT_UNUSED) && client->Calls == 0 &&
            client->Captures == 0 && client->Registrations == 0) {
            client->State = CLIENT_UNUSED;
            client->Registration = NULL;
            client->Events = 0;
            /* The next case begins with a block as it is in a driver that was just loaded. */
            RtlZeroMemory(&client->Static.Block, sizeof(client->Static.Block));
            RtlZeroMemory(&client->Captured, sizeof(client->Captured));
        }
        KeReleaseSpinLock(&client->Lock, irql);
    }
}

const OPERATION RegisterOperation = {RegisterRun, RegisterCheck, LEVEL_WSK_PASSIVE};
const OPERATION DeregisterOperation = {DeregisterRun, ClientCheck, LEVEL_WSK_PASSIVE};
