/*
 * quirk.c - a driver with the habits that its Parameters ask for. For tests of what a run's journal tells of
 * drivers that do not start, do not go, or take their machine with them.
 */
#include <ntddk.h>

/* Parameters\Quirk */
#define NO_UNLOAD  1
#define NO_RETURN  2
#define FAILS      3
#define STAYS      4 /* Unload never returns */
#define ENTRY_CODE ((NTSTATUS)0xC0DE0BAD)

static volatile ULONG_PTR Nowhere = 0x10; /* volatile, so that the compiler does not see through it */

static NTSTATUS Finish(IRP *Irp, NTSTATUS Status)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS NTAPI OpenOrClose(DEVICE_OBJECT *Device, IRP *Irp)
{
    (void)Device;
    return Finish(Irp, STATUS_SUCCESS);
}

/* 0x801 writes to address 0x10, 0x802 never comes back, any other does nothing. */
static NTSTATUS NTAPI Control(DEVICE_OBJECT *Device, IRP *Irp)
{
    ULONG code = IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.IoControlCode;
    LARGE_INTEGER second = {.QuadPart = -10000000};

    (void)Device;
    if (((code >> 2) & 0xFFF) == 0x801)
        *(volatile int *)Nowhere = 1;
    while (((code >> 2) & 0xFFF) == 0x802)
        KeDelayExecutionThread(KernelMode, FALSE, &second);
    return Finish(Irp, STATUS_SUCCESS);
}

static ULONG ReadQuirk(UNICODE_STRING *Path)
{
    UNICODE_STRING below = RTL_CONSTANT_STRING(L"Parameters"), name = RTL_CONSTANT_STRING(L"Quirk");
    OBJECT_ATTRIBUTES attributes;
    union {
        KEY_VALUE_PARTIAL_INFORMATION Information;
        UCHAR Bytes[sizeof(KEY_VALUE_PARTIAL_INFORMATION) + sizeof(ULONG)];
    } value;
    HANDLE service, parameters;
    ULONG bytes, quirk = 0;

    InitializeObjectAttributes(&attributes, Path, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
    if (!NT_SUCCESS(ZwOpenKey(&service, KEY_READ, &attributes)))
        return 0;
    InitializeObjectAttributes(&attributes, &below, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, service, NULL);
    if (NT_SUCCESS(ZwOpenKey(&parameters, KEY_READ, &attributes))) {
        if (NT_SUCCESS(ZwQueryValueKey(parameters, &name, KeyValuePartialInformation, &value, sizeof value,
                                       &bytes)) &&
            value.Information.Type == REG_DWORD)
            RtlCopyMemory(&quirk, value.Information.Data, sizeof quirk);
        ZwClose(parameters);
    }
    ZwClose(service);
    return quirk;
}

static void NTAPI Unload(DRIVER_OBJECT *Driver)
{
    UNICODE_STRING link = RTL_CONSTANT_STRING(L"\\DosDevices\\Quirk");

    IoDeleteSymbolicLink(&link);
    IoDeleteDevice(Driver->DeviceObject);
}

static void Stay(void)
{
    LARGE_INTEGER second = {.QuadPart = -10000000};

    for (;;) /* that is what it is for */
        KeDelayExecutionThread(KernelMode, FALSE, &second);
}

static void NTAPI NeverUnload(DRIVER_OBJECT *Driver)
{
    (void)Driver;
    Stay();
}

DRIVER_INITIALIZE DriverEntry;

NTSTATUS NTAPI DriverEntry(DRIVER_OBJECT *Driver, UNICODE_STRING *Path)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Quirk"),
                   link = RTL_CONSTANT_STRING(L"\\DosDevices\\Quirk");
    ULONG quirk = ReadQuirk(Path);
    DEVICE_OBJECT *device;
    NTSTATUS status;

    if (quirk == FAILS)
        return ENTRY_CODE;
    if (quirk == NO_RETURN)
        Stay();
    Driver->MajorFunction[IRP_MJ_CREATE] = OpenOrClose;
    Driver->MajorFunction[IRP_MJ_CLEANUP] = OpenOrClose;
    Driver->MajorFunction[IRP_MJ_CLOSE] = OpenOrClose;
    Driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
    Driver->DriverUnload = quirk == NO_UNLOAD ? NULL : quirk == STAYS ? NeverUnload : Unload;
    if (quirk != 0) /* one that stays would be in the way of the next one's device */
        return STATUS_SUCCESS;
    status = IoCreateDevice(Driver, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    return NT_SUCCESS(status) ? IoCreateSymbolicLink(&link, &name) : status;
}
