/*
 * device.c - the control device and who may open it.
 */
#include "device.h"
#include "access.h"
#include "failure.h"

NTSTATUS DeviceCreate(PDRIVER_OBJECT Driver)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(WSKT_DEVICE_NT);
    UNICODE_STRING link = RTL_CONSTANT_STRING(WSKT_DEVICE_DOS);
    PDEVICE_OBJECT device;
    NTSTATUS status;

    status =
        FailHere() ? STATUS_INSUFFICIENT_RESOURCES : CreateDeviceForAdministrators(Driver, &name, &device);
    if (!NT_SUCCESS(status)) {
        return status;
    }
    status = FailHere() ? STATUS_INSUFFICIENT_RESOURCES : IoCreateSymbolicLink(&link, &name);
    if (!NT_SUCCESS(status)) {
        IoDeleteDevice(device);
        return status;
    }
    device->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
    return STATUS_SUCCESS;
}

VOID DeviceDelete(PDRIVER_OBJECT Driver)
{
    UNICODE_STRING link = RTL_CONSTANT_STRING(WSKT_DEVICE_DOS);

    (VOID) IoDeleteSymbolicLink(&link);
    IoDeleteDevice(Driver->DeviceObject);
}
