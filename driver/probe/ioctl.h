/*
 * ioctl.h - requests to the control device.
 */
#pragma once

#include "kernel.h"

/* IRP_MJ_CREATE, of IRP_MJ_CLEANUP and IRP_MJ_CLOSE, IRP_MJ_DEVICE_CONTROL. */
DRIVER_DISPATCH DeviceOpen;
DRIVER_DISPATCH DeviceClose;
DRIVER_DISPATCH DeviceControl;
