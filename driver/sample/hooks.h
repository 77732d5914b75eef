/*
 * hooks.h - where the sample lets in the instrument that suites play on (driver/probe): all of its calls from
 * here to there. A driver of one's own has a device of its own in their place, or nothing.
 */
#pragma once

#include "kernel.h"

/* What comes first in DriverEntry: makes the device. *Activate: whether DriverEntry is to start the server.
 */
_IRQL_requires_max_(PASSIVE_LEVEL) _Must_inspect_result_ NTSTATUS
    HookEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING RegistryPath, BOOLEAN *Activate);

/* What comes last: others may open the device, or it is gone again. Gives the status for DriverEntry. */
_IRQL_requires_max_(PASSIVE_LEVEL) _Must_inspect_result_ NTSTATUS
    HookEntryEnd(PDRIVER_OBJECT Driver, NTSTATUS Status);

/* What comes first in Unload: deletes the device. */
_IRQL_requires_max_(PASSIVE_LEVEL) VOID HookUnload(PDRIVER_OBJECT Driver);

/* Ends all that the instrument has made and started. */
_IRQL_requires_max_(PASSIVE_LEVEL) VOID HookStop(VOID);
