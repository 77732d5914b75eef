/*
 * driver.h - kernel services: install, start, stop, remove.
 *
 * Every routine refuses a service of that name that is not a kernel driver (ERROR_NOT_A_DRIVER), so that
 * no mistake in a plan stops a part of the guest. All return Win32 codes, are idempotent, and expect a
 * name that ServiceNameValid accepts.
 */
#pragma once

#include "service.h"

#define ERROR_NOT_A_DRIVER ERROR_BAD_DRIVER

/* Creates a demand-start kernel service for Path, or makes the existing one so. */
DWORD DriverInstall(const wchar_t *Name, const wchar_t *Path);

/*
 * Forgets what DriverEntry left behind last time, starts, and waits until it runs. When DriverEntry fails
 * the code is what the manager made of its status; DriverEntryStatus has the status itself.
 * ERROR_TIMEOUT: DriverEntry has not returned within TimeoutMs.
 */
DWORD DriverStart(const wchar_t *Name, DWORD TimeoutMs);

/*
 * Stops and waits for stopped. ERROR_TIMEOUT: DriverUnload has not returned, or handles are open.
 * ERROR_INVALID_SERVICE_CONTROL: the driver has no DriverUnload, and runs on.
 */
DWORD DriverStop(const wchar_t *Name, DWORD TimeoutMs);

/* Removes a stopped service. */
DWORD DriverRemove(const wchar_t *Name);

/* What it is doing now; State is SERVICE_ABSENT where there is none. */
DWORD DriverQuery(const wchar_t *Name, SERVICE_REPORT *Report);

/*
 * As DriverQuery, but the driver's host is asked as well: Wine's manager does not notice when that process is
 * gone, and says running. Such a driver is SERVICE_STOPPED.
 */
DWORD DriverAsk(const wchar_t *Name, SERVICE_REPORT *Report);

/* Is the driver gone without anybody having stopped it? The manager then still says that it runs. */
BOOL DriverLost(const wchar_t *Name);

/* NTSTATUS that DriverEntry left under the service's key since DriverStart, 0 where there is none. */
DWORD DriverEntryStatus(const wchar_t *Name);

/* Values under the service's key. A value that is not there is forgotten already. */
DWORD DriverSetValue(const wchar_t *Name, const wchar_t *Value, DWORD Type, const void *Data, DWORD Bytes);
DWORD DriverForgetValue(const wchar_t *Name, const wchar_t *Value);

/* What the driver left of its life before: none of it may be taken for what it leaves of the next. */
DWORD DriverForgetLastLife(const wchar_t *Name);

/* Reads a value of just so many bytes; ERROR_INVALID_DATA for one of another size or type. */
DWORD DriverGetBinary(const wchar_t *Name, const wchar_t *Value, void *Data, DWORD Bytes);

/* When the service starts: SERVICE_BOOT_START to SERVICE_DEMAND_START. Its file, unless Path is NULL. */
DWORD DriverSetStart(const wchar_t *Name, DWORD StartType, const wchar_t *Path);
