/* bootid.h - which boot of the machine this is. */
#pragma once

#include <windows.h>

#define BOOT_ID_CHARS 36u

/*
 * The GUID in the volatile key HKLM\SOFTWARE\wskharness\Boot, made by the first agent that asks after
 * a boot; gone when the machine is. Two agents that ask at once get the same. Id has room for
 * BOOT_ID_CHARS and a NUL. Returns a Win32 code: making it takes an administrator.
 */
_Must_inspect_result_ DWORD BootId(char *Id);

/* Does Text begin with such a GUID, in small letters? */
BOOL BootIdIs(const wchar_t *Text);
