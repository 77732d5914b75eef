/* hooks.c - the instrument's start and end, as the sample's DriverEntry and Unload call for them. */
#include "hooks.h"
#include "capture.h"
#include "clock.h"
#include "device.h"
#include "dwell.h"
#include "failure.h"
#include "kept.h"
#include "namedsocket.h"
#include "parameter.h"
#include "pending.h"
#include "reset.h"
#include "server.h"
#include "serverstep.h"
#include "socketcall.h"
#include "socket.h"
#include "startup.h"
#include "step.h"
#include "thread.h"
#include "workers.h"

NTSTATUS HookEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING RegistryPath, BOOLEAN *Activate)
{
    NTSTATUS status;

    ParametersInitialize(RegistryPath);
    FailureArm(ParameterTakeNumber(WSKT_FAIL_AT_VALUE));
    if (DEFECT(DWELLS_IN_ENTRY)) {
        Dwell();
    }
    WorkersInitialize();
    ContextsInitialize();
    ThreadsInitialize();
    KeptInitialize();
    ClientsInitialize();
    NamedSocketsInitialize();
    PendingInitialize();
    ResetInitialize();

    /* Before a worker runs, so that it is the same call that fails each time (failure.h). */
    status = DeviceCreate(Driver);
    if (NT_SUCCESS(status)) {
        StartupRun();
        *Activate = ParameterNumber(WSKT_ACTIVATE_VALUE) == 1;
        ServerStepsAtStart(*Activate);
    }
    return status;
}

/* A failure is left for who started the driver; a success leaves nothing. */
static VOID ReportEntryStatus(NTSTATUS Status)
{
    ULONG value = (ULONG)Status;

    if (NT_SUCCESS(Status)) {
        ParameterRemove(WSKT_ENTRY_STATUS_VALUE);
    } else {
        ParameterLeave(WSKT_ENTRY_STATUS_VALUE, REG_DWORD, &value, sizeof(value));
    }
}

NTSTATUS HookEntryEnd(PDRIVER_OBJECT Driver, NTSTATUS Status)
{
    if (DEFECT(ENTRY_WAITS)) {
        (VOID) ServerSettle(WAIT_FOREVER);
    }
    if (NT_SUCCESS(Status) && DEFECT(ENTRY_FAILS)) {
        Status = STATUS_INSUFFICIENT_RESOURCES;
    }
    if (NT_SUCCESS(Status)) {
        DeviceReady(Driver);
    } else if (!DEFECT(ENTRY_KEEPS)) {
        DeviceDelete(Driver);
    }
    ReportEntryStatus(Status);
    return Status;
}

VOID HookUnload(PDRIVER_OBJECT Driver)
{
    if (DEFECT(DWELLS_IN_UNLOAD)) {
        Dwell();
    }
    DeviceDelete(Driver);
    if (DEFECT(LEAKS_A_LOAD)) {
        (VOID) PoolAllocate(POOL_SERVER, 16384);
    }
    while (DEFECT(UNLOAD_HANGS)) {
        SleepMs(1000);
    }
}

/* What is left of everything, for whoever wants to know that nothing leaked. */
_IRQL_requires_max_(PASSIVE_LEVEL) static VOID ReportUnloaded(WSKT_UNLOAD *Unloaded)
{
    Unloaded->Abi = WSKT_ABI;
    for (UINT32 use = 0; use < POOL_USES; use++) {
        Unloaded->Blocks += PoolBlocks((POOL_USE)use);
    }
    Unloaded->Sockets = NamedSocketsCount() + SocketsOpen();
    ParameterLeave(WSKT_UNLOAD_VALUE, REG_BINARY, Unloaded, sizeof(*Unloaded));
}

/* The deregistrations that nobody has asked for, and how long the longest took. */
_IRQL_requires_max_(PASSIVE_LEVEL) static VOID DeregisterAll(WSKT_UNLOAD *Unloaded)
{
    for (UINT32 i = 0; i < WSKT_MAX_CLIENTS; i++) {
        WSKT_RESULT result = {0};
        UINT64 begin = ClockNs();

        if (!ClientNeedsDeregister(i) || DEFECT(UNLOAD_KEEPS_REGISTRATION)) {
            continue;
        }
        ClientDeregister(i, FALSE, &result);
        Unloaded->Deregistrations++;
        Unloaded->Early += ClientHolds(i);
        if (Unloaded->DeregisterNs < ClockNs() - begin) {
            Unloaded->DeregisterNs = ClockNs() - begin;
        }
    }
}

VOID HookStop(VOID)
{
    WSKT_UNLOAD unloaded = {0};

    SocketsEnd();
    CapturesReleaseAll();
    DeregisterAll(&unloaded);
    unloaded.Calls = ThreadsBusy() + WorkersBusy() + ContextsBusy();
    PendingEnd();
    ThreadsEnd();
    WorkersEnd();
    ContextsEnd();
    if (!DEFECT(UNLOAD_CUT)) {
        ReportUnloaded(&unloaded);
    }
}
