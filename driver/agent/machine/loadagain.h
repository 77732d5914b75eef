/* loadagain.h - a driver's own word of why it did not start. */
#pragma once

#include <windows.h>

/* What a load came to: a failed NTSTATUS, 0, or ERROR_TIMEOUT and other Win32 errors, none of which is as
 * high as a failed NTSTATUS. */
#define LOAD_FAILED(Result) ((Result) >= 0x80000000u)

/*
 * Loads the driver of a service that is stopped, without the service manager, which passes on no NTSTATUS,
 * and so runs its DriverEntry. One that succeeds is unloaded at once, and the result is 0. ERROR_TIMEOUT:
 * DriverEntry, or DriverUnload, has not returned. Any other Win32 error: nothing was loaded.
 */
DWORD LoadAgain(const wchar_t *Service, DWORD TimeoutMs);
