/* access.h - who may open the control device. */
#pragma once

#include "kernel.h"

/*
 * IoCreateDevice for a device that only the system and administrators may open, whatever the kernel
 * and the kit offer for it.
 */
_IRQL_requires_max_(PASSIVE_LEVEL) _Must_inspect_result_ NTSTATUS
    CreateDeviceForAdministrators(PDRIVER_OBJECT Driver, PUNICODE_STRING Name, PDEVICE_OBJECT *Device);

/*
 * Whether the sender of an IRP_MJ_CREATE may have the device, for kernels that don't ask the device's
 * access list (Wine).
 */
_IRQL_requires_max_(PASSIVE_LEVEL) _Must_inspect_result_ BOOLEAN OpenAllowed(PIRP Irp);
