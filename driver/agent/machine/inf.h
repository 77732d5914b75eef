/* inf.h - drivers that an .inf installs. */
#pragma once

#include <windows.h>

#include "digest.h"

/* Has this system a driver store? Wine has none. */
BOOL InfCanInstall(void);

/* \SystemRoot\System32\x.sys, System32\x.sys, \??\C:\x.sys or C:\x.sys as a path of user mode. */
BOOL ImageFile(const wchar_t *Image, wchar_t Path[MAX_PATH]);

/* Installs the driver, and checks that its service is Name, and that what it runs has this hash (else
 * ERROR_CRC). */
DWORD InfInstall(const wchar_t *Inf, const wchar_t *Name, const UINT8 Sha256[SHA256_BYTES]);
DWORD InfRemove(const wchar_t *Inf);
