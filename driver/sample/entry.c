/*
 * entry.c - DriverEntry and Unload: what is made when the driver starts, and undone in reverse.
 */
#include "sample.h"
#include "client.h"
#include "component.h"
#include "device.h"
#include "endpoint.h"
#include "reset.h"
#include "step.h"
#include "worker.h"

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD Unload;

/* PASSIVE_LEVEL. NULL if it can't be opened: then there is nothing to read, and nowhere to report. */
static HANDLE OpenServiceKey(PUNICODE_STRING Path)
{
    OBJECT_ATTRIBUTES attributes;
    HANDLE key;

    InitializeObjectAttributes(&attributes, Path, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
    return NT_SUCCESS(ZwOpenKey(&key, KEY_READ | KEY_WRITE, &attributes)) ? key : NULL;
}

static BOOLEAN ReadActivateOnStart(HANDLE Key)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(WSKT_ACTIVATE_VALUE);
    union {
        KEY_VALUE_PARTIAL_INFORMATION Information;
        UINT8 Bytes[sizeof(KEY_VALUE_PARTIAL_INFORMATION) + sizeof(ULONG)];
    } value;
    ULONG bytes;
    ULONG activate = 0;

    if (Key != NULL &&
        NT_SUCCESS(ZwQueryValueKey(Key, &name, KeyValuePartialInformation, &value, sizeof(value), &bytes)) &&
        value.Information.Type == REG_DWORD && value.Information.DataLength == sizeof(activate)) {
        RtlCopyMemory(&activate, value.Information.Data, sizeof(activate));
    }
    return activate == 1;
}

/* A failure is left for who started the driver; a success leaves nothing. */
static VOID ReportEntryStatus(HANDLE Key, NTSTATUS Status)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(WSKT_ENTRY_STATUS_VALUE);
    ULONG value = (ULONG)Status;

    if (Key == NULL) {
        return;
    }
    if (NT_SUCCESS(Status)) {
        (VOID) ZwDeleteValueKey(Key, &name);
    } else {
        (VOID) ZwSetValueKey(Key, &name, 0, REG_DWORD, &value, sizeof(value));
    }
}

/*
 * Ends everything but the device, in reverse. What still runs in this image, or what still knows its
 * addresses (a registration, a capture), has to end before the image goes, however long that takes:
 * code that is unmapped under it would be worse than an unload that does not end. PASSIVE_LEVEL.
 */
static VOID Stop(VOID)
{
    WSKT_RESULT result = {0};

    ComponentDeactivate(&result); /* refused, and rightly so, where it is not active */
    EndpointsEnd();
    ClientsReleaseAll();
    for (UINT32 i = 0; i < WSKT_MAX_CLIENTS; i++) {
        if (ClientNeedsDeregister(i)) {
            ClientDeregister(i, FALSE, &result);
        }
    }
    PendingEnd();
    ThreadsEnd();
    WorkersEnd();
    ComponentEnd();
    ContextsEnd();
}

/* PASSIVE_LEVEL. Waits for nothing: what takes time is left to the component's worker. */
static NTSTATUS Start(PDRIVER_OBJECT Driver, BOOLEAN Activate)
{
    WSKT_RESULT result = {0};
    NTSTATUS status = STATUS_SUCCESS;

    WorkersInitialize();
    ContextsInitialize();
    ThreadsInitialize();
    ClientsInitialize();
    EndpointsInitialize();
    ComponentInitialize();
    ResetInitialize();

    if (Activate) {
        ComponentActivate(COMPONENT_AT_START, &result);
        status = (NTSTATUS)result.Status;
        if (DEFECT(ENTRY_WAITS)) {
            ComponentState(WAIT_FOREVER, &result);
        }
    }
    if (NT_SUCCESS(status)) {
        status = DEFECT(ENTRY_FAILS) ? STATUS_INSUFFICIENT_RESOURCES : DeviceCreate(Driver);
    }
    if (!NT_SUCCESS(status) && !DEFECT(ENTRY_KEEPS)) {
        Stop();
    }
    return status;
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING RegistryPath)
{
    HANDLE key = OpenServiceKey(RegistryPath);
    NTSTATUS status;

    Driver->DriverUnload = Unload;
    Driver->MajorFunction[IRP_MJ_CREATE] = DeviceOpen;
    Driver->MajorFunction[IRP_MJ_CLEANUP] = DeviceClose;
    Driver->MajorFunction[IRP_MJ_CLOSE] = DeviceClose;
    Driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = DeviceControl;

    status = Start(Driver, ReadActivateOnStart(key));

    ReportEntryStatus(key, status);
    if (key != NULL) {
        (VOID) ZwClose(key);
    }
    return status;
}

/* No handle is open any more. PASSIVE_LEVEL. */
static VOID NTAPI Unload(PDRIVER_OBJECT Driver)
{
    DeviceDelete(Driver);
    Stop();
    if (DEFECT(LEAKS_A_LOAD)) {
        (VOID) PoolAllocate(POOL_COMPONENT, 16384);
    }
    while (DEFECT(UNLOAD_HANGS)) {
        SleepMs(1000);
    }
}
