/* inf.h - drivers that an .inf installs. */
#pragma once

#include <windows.h>

#include "digest.h"

/* Has this system a driver store? Wine has none. */
BOOL InfCanInstall(void);

/* Installs the driver, and checks that its service is Name, and that what it runs has this hash (else
 * ERROR_CRC). */
DWORD InfInstall(const wchar_t *Inf, const wchar_t *Name, const UINT8 Sha256[SHA256_BYTES]);
DWORD InfRemove(const wchar_t *Inf);
