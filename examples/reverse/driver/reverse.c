/*
 * reverse.c - a driver with a device that turns bytes round. It has nothing to do with WSK, and knows
 * nothing of the harness that tests it.
 */
#include <ntddk.h>

#include "reverse.h"

#define DEVICE_NAME L"\\Device\\Reverse"
#define LINK_NAME   L"\\DosDevices\\Reverse"

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD Unload;
static DRIVER_DISPATCH OpenOrClose, Control;

static ULONG Limit = REVERSE_LIMIT_DEFAULT; /* written before the device is there */
static volatile LONG Count;

/* Any IRQL up to DISPATCH_LEVEL. The IRP is not ours any more afterwards. */
static NTSTATUS Complete(PIRP Irp, NTSTATUS Status, ULONG_PTR Bytes)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Bytes;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* PASSIVE_LEVEL. */
static NTSTATUS NTAPI OpenOrClose(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    return Complete(Irp, STATUS_SUCCESS, 0);
}

/* Input and output share Buffer, as METHOD_BUFFERED has it. */
static NTSTATUS Reverse(UCHAR *Buffer, ULONG InBytes, ULONG OutBytes, ULONG_PTR *Written)
{
    if (InBytes == 0) {
        return STATUS_INVALID_PARAMETER;
    }
    if (InBytes > Limit) {
        return STATUS_INVALID_BUFFER_SIZE;
    }
    if (OutBytes < InBytes) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    for (ULONG i = 0; i < InBytes / 2; i++) {
        UCHAR kept = Buffer[i];

        Buffer[i] = Buffer[InBytes - 1 - i];
        Buffer[InBytes - 1 - i] = kept;
    }
    *Written = InBytes;
    InterlockedIncrement(&Count);
    return STATUS_SUCCESS;
}

static NTSTATUS TellCount(UCHAR *Buffer, ULONG OutBytes, ULONG_PTR *Written)
{
    LONG count = Count;

    if (OutBytes < sizeof(count)) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    RtlCopyMemory(Buffer, &count, sizeof(count));
    *Written = sizeof(count);
    return STATUS_SUCCESS;
}

/* PASSIVE_LEVEL. */
static NTSTATUS NTAPI Control(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    UCHAR *buffer = Irp->AssociatedIrp.SystemBuffer;
    ULONG in = stack->Parameters.DeviceIoControl.InputBufferLength;
    ULONG out = stack->Parameters.DeviceIoControl.OutputBufferLength;
    ULONG_PTR written = 0;
    NTSTATUS status;

    UNREFERENCED_PARAMETER(Device);
    switch (stack->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_REVERSE_BYTES: status = Reverse(buffer, in, out, &written); break;
    case IOCTL_REVERSE_COUNT: status = TellCount(buffer, out, &written); break;
    default: status = STATUS_INVALID_DEVICE_REQUEST; break;
    }
    return Complete(Irp, status, written);
}

/* PASSIVE_LEVEL. A key or a value that is not there leaves the limit as it is. */
static VOID ReadLimit(PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING below = RTL_CONSTANT_STRING(L"Parameters"),
                   name = RTL_CONSTANT_STRING(REVERSE_LIMIT_VALUE);
    OBJECT_ATTRIBUTES attributes;
    union {
        KEY_VALUE_PARTIAL_INFORMATION Information;
        UCHAR Bytes[sizeof(KEY_VALUE_PARTIAL_INFORMATION) + sizeof(ULONG)];
    } value;
    HANDLE service, parameters;
    ULONG bytes;

    InitializeObjectAttributes(&attributes, RegistryPath, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL,
                               NULL);
    if (!NT_SUCCESS(ZwOpenKey(&service, KEY_READ, &attributes))) {
        return;
    }
    InitializeObjectAttributes(&attributes, &below, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, service, NULL);
    if (NT_SUCCESS(ZwOpenKey(&parameters, KEY_READ, &attributes))) {
        if (NT_SUCCESS(ZwQueryValueKey(parameters, &name, KeyValuePartialInformation, &value, sizeof(value),
                                       &bytes)) &&
            value.Information.Type == REG_DWORD && value.Information.DataLength == sizeof(Limit)) {
            RtlCopyMemory(&Limit, value.Information.Data, sizeof(Limit));
        }
        ZwClose(parameters);
    }
    ZwClose(service);
}

/* PASSIVE_LEVEL. No handle is open any more. */
static VOID NTAPI Unload(PDRIVER_OBJECT Driver)
{
    UNICODE_STRING link = RTL_CONSTANT_STRING(LINK_NAME);

    IoDeleteSymbolicLink(&link);
    IoDeleteDevice(Driver->DeviceObject);
}

/* PASSIVE_LEVEL. */
NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(DEVICE_NAME), link = RTL_CONSTANT_STRING(LINK_NAME);
    PDEVICE_OBJECT device;
    NTSTATUS status;

    ReadLimit(RegistryPath);
    Driver->DriverUnload = Unload;
    Driver->MajorFunction[IRP_MJ_CREATE] = OpenOrClose;
    Driver->MajorFunction[IRP_MJ_CLOSE] = OpenOrClose;
    Driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;

    status = IoCreateDevice(Driver, 0, &name, REVERSE_TYPE, FILE_DEVICE_SECURE_OPEN, FALSE, &device);
    if (!NT_SUCCESS(status)) {
        return status;
    }
    status = IoCreateSymbolicLink(&link, &name);
    if (!NT_SUCCESS(status)) {
        IoDeleteDevice(device);
    }
    return status;
}
