/* device.h - the control device. */
#pragma once

#include "kernel.h"

/* Creates \Device\WskSample, for administrators only, with its name in user mode. */
_IRQL_requires_max_(PASSIVE_LEVEL) _Must_inspect_result_ NTSTATUS DeviceCreate(PDRIVER_OBJECT Driver);

/* Lets others open it: at the end of a DriverEntry that has succeeded. */
_IRQL_requires_max_(PASSIVE_LEVEL) VOID DeviceReady(PDRIVER_OBJECT Driver);

/* Deletes it, where there is one. */
_IRQL_requires_max_(PASSIVE_LEVEL) VOID DeviceDelete(PDRIVER_OBJECT Driver);
