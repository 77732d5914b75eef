/* image.h - the running program itself, and its clock. */
#pragma once

#include "digest.h"

/* The full path of wskagent.exe. Returns a Win32 code. */
DWORD ImagePath(wchar_t *Path, DWORD Chars);

/* SHA-256 of the file that this process runs, in digits. Returns a Win32 code. */
DWORD ImageDigest(char Digits[SHA256_DIGITS + 1]);

/* Milliseconds since 1970, by the guest's clock, which may be wrong. */
UINT64 UnixTimeMs(void);
