/*
 * device.h - the control device.
 */
#pragma once

#include "sample.h"

/* Creates \Device\WskSample, for administrators only, with its name in user mode. PASSIVE_LEVEL. */
NTSTATUS DeviceCreate(PDRIVER_OBJECT Driver);

/* Lets others open it: at the end of a DriverEntry that has succeeded. PASSIVE_LEVEL. */
VOID DeviceReady(PDRIVER_OBJECT Driver);

/* PASSIVE_LEVEL. */
VOID DeviceDelete(PDRIVER_OBJECT Driver);

/* ioctl.c */
DRIVER_DISPATCH DeviceOpen;
DRIVER_DISPATCH DeviceClose;
DRIVER_DISPATCH DeviceControl;
