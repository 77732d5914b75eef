/*
 * faulty.c - a driver that does what it is told to its machine. For tests of crashes.
 */
#include <ntddk.h>

static UNICODE_STRING Link;
static volatile ULONG_PTR Nowhere = 0x10; /* volatile, so that the compiler does not see through it */

static NTSTATUS NTAPI Complete(DEVICE_OBJECT *Device, IRP *Irp)
{
    (void)Device;
    Irp->IoStatus.Status = STATUS_SUCCESS;
    Irp->IoStatus.Information = 0;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI Control(DEVICE_OBJECT *Device, IRP *Irp)
{
    ULONG Code = IoGetCurrentIrpStackLocation(Irp)->Parameters.DeviceIoControl.IoControlCode;
    switch ((Code >> 2) & 0xFFF) {
    case 0x801:
        *(volatile int *)Nowhere = 1;
        break;
    case 0x802:
        KeBugCheckEx(0xD1, 0x11, 0x22, 0x33, 0x4444444444);
        break;
    case 0x803:
        __asm__ volatile("ud2");
        break;
    case 0x804:
        for (;;) /* a hang: no call ever leaves the driver */
            ;
    case 0x805:
        DbgPrint("faulty says hello\n");
        break;
    }
    return Complete(Device, Irp);
}

static void NTAPI Unload(DRIVER_OBJECT *Driver)
{
    IoDeleteSymbolicLink(&Link);
    IoDeleteDevice(Driver->DeviceObject);
}

DRIVER_INITIALIZE DriverEntry;

NTSTATUS NTAPI DriverEntry(DRIVER_OBJECT *Driver, UNICODE_STRING *Path)
{
    UNICODE_STRING Name;
    DEVICE_OBJECT *Device;
    NTSTATUS Status;

    (void)Path;
    RtlInitUnicodeString(&Name, L"\\Device\\Faulty");
    RtlInitUnicodeString(&Link, L"\\DosDevices\\Faulty");
    Driver->MajorFunction[IRP_MJ_CREATE] = Complete;
    Driver->MajorFunction[IRP_MJ_CLEANUP] = Complete;
    Driver->MajorFunction[IRP_MJ_CLOSE] = Complete;
    Driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
    Driver->DriverUnload = Unload;
    Status = IoCreateDevice(Driver, 0, &Name, FILE_DEVICE_UNKNOWN, 0, FALSE, &Device);
    return NT_SUCCESS(Status) ? IoCreateSymbolicLink(&Link, &Name) : Status;
}
