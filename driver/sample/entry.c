/*
 * entry.c - DriverEntry and Unload: what is made when the driver starts, and undone in reverse.
 */
#include "sample.h"
#include "client.h"
#include "component.h"
#include "device.h"
#include "dwell.h"
#include "endpoint.h"
#include "failure.h"
#include "kept.h"
#include "listener.h"
#include "parameter.h"
#include "reset.h"
#include "startup.h"
#include "step.h"
#include "worker.h"

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD Unload;

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

/* What is left of everything, for whoever wants to know that nothing leaked. PASSIVE_LEVEL. */
static VOID ReportUnloaded(WSKT_UNLOAD *Unloaded)
{
    Unloaded->Abi = WSKT_ABI;
    for (UINT32 use = 0; use < POOL_USES; use++) {
        Unloaded->Blocks += PoolBlocks((POOL_USE)use);
    }
    Unloaded->Sockets = EndpointsCount() + SocketsOpen();
    ParameterLeave(WSKT_UNLOAD_VALUE, REG_BINARY, Unloaded, sizeof(*Unloaded));
}

/* The deregistrations that nobody has asked for, and how long the longest took. PASSIVE_LEVEL. */
static VOID DeregisterAll(WSKT_UNLOAD *Unloaded)
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

/*
 * Ends everything but the device, in reverse. What still runs in this image, or what still knows its
 * addresses (a registration, a capture), has to end before the image goes, however long that takes:
 * code that is unmapped under it would be worse than an unload that does not end. PASSIVE_LEVEL.
 */
static VOID Stop(VOID)
{
    WSKT_UNLOAD unloaded = {0};
    WSKT_RESULT result = {0};

    ComponentDeactivate(&result); /* refused, and rightly so, where it is not active */
    EndpointsEnd();
    ClientsReleaseAll();
    DeregisterAll(&unloaded);
    unloaded.Calls = ThreadsBusy() + WorkersBusy() + ContextsBusy();
    PendingEnd();
    ThreadsEnd();
    WorkersEnd();
    ComponentEnd();
    ContextsEnd();
    if (!DEFECT(UNLOAD_CUT)) {
        ReportUnloaded(&unloaded);
    }
}

/* PASSIVE_LEVEL. Waits for nothing: what takes time is left to the component's worker. */
static NTSTATUS Start(PDRIVER_OBJECT Driver, BOOLEAN Activate)
{
    WSKT_RESULT result = {0};
    NTSTATUS status;

    WorkersInitialize();
    ContextsInitialize();
    ThreadsInitialize();
    KeptInitialize();
    ClientsInitialize();
    EndpointsInitialize();
    ComponentInitialize();
    ResetInitialize();

    /* The device is made before a worker runs, so that it is the same call that fails each time (failure.h).
     */
    status = DeviceCreate(Driver);
    if (NT_SUCCESS(status)) {
        StartupRun();
        if (Activate) {
            ComponentActivate(COMPONENT_AT_START, &result);
            status = (NTSTATUS)result.Status;
            if (DEFECT(ENTRY_WAITS)) {
                ComponentState(WAIT_FOREVER, &result);
            }
        }
        if (NT_SUCCESS(status) && DEFECT(ENTRY_FAILS)) {
            status = STATUS_INSUFFICIENT_RESOURCES;
        }
        if (NT_SUCCESS(status)) {
            DeviceReady(Driver);
        } else if (!DEFECT(ENTRY_KEEPS)) {
            DeviceDelete(Driver);
        }
    }
    if (!NT_SUCCESS(status) && !DEFECT(ENTRY_KEEPS)) {
        Stop();
    }
    return status;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING RegistryPath)
{
    NTSTATUS status;

    ParametersInitialize(RegistryPath);
    FailureArm(ParameterTakeNumber(WSKT_FAIL_AT_VALUE));

    Driver->DriverUnload = Unload;
    Driver->MajorFunction[IRP_MJ_CREATE] = DeviceOpen;
    Driver->MajorFunction[IRP_MJ_CLEANUP] = DeviceClose;
    Driver->MajorFunction[IRP_MJ_CLOSE] = DeviceClose;
    Driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = DeviceControl;

    if (DEFECT(DWELLS_IN_ENTRY)) {
        Dwell();
    }
    status = Start(Driver, ParameterNumber(WSKT_ACTIVATE_VALUE) == 1);
    ReportEntryStatus(status);
    return status;
}

/* No handle is open any more. PASSIVE_LEVEL. */
static VOID NTAPI Unload(PDRIVER_OBJECT Driver)
{
    if (DEFECT(DWELLS_IN_UNLOAD)) {
        Dwell();
    }
    DeviceDelete(Driver);
    if (DEFECT(LEAKS_A_LOAD)) {
        (VOID) PoolAllocate(POOL_COMPONENT, 16384);
    }
    Stop();
    while (DEFECT(UNLOAD_HANGS)) {
        SleepMs(1000);
    }
}
