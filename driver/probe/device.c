/*
 * device.c - the control device and who may open it.
 */
#include "device.h"
#include "access.h"
#include "failure.h"
#include "wskabi.h"

NTSTATUS DeviceCreate(PDRIVER_OBJECT Driver)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(WSKT_DEVICE_NT);
    UNICODE_STRING link = RTL_CONSTANT_STRING(WSKT_DEVICE_DOS);
    PDEVICE_OBJECT device;
    NTSTATUS status = FailureHere();

    if (NT_SUCCESS(status)) {
        status = CreateDeviceForAdministrators(Driver, &name, &device);
    }
    if (!NT_SUCCESS(status)) {
        return status;
    }
    status = FailureHere();
    if (NT_SUCCESS(status)) {
        status = IoCreateSymbolicLink(&link, &name);
    }
    if (!NT_SUCCESS(status)) {
        IoDeleteDevice(device);
    }
    return status;
}

VOID DeviceReady(PDRIVER_OBJECT Driver)
{
    Driver->DeviceObject->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING;
}

VOID DeviceDelete(PDRIVER_OBJECT Driver)
{
    UNICODE_STRING link = RTL_CONSTANT_STRING(WSKT_DEVICE_DOS);

    if (Driver->DeviceObject != NULL) {
        (VOID) IoDeleteSymbolicLink(&link);
        IoDeleteDevice(Driver->DeviceObject);
    }
}
