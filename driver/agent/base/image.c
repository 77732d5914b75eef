/* image.c - the running program itself, and its clock. */
#include "image.h"
#include "text.h"

/* 100 ns units between 1601, where FILETIME begins, and 1970. */
#define FILETIME_UNIX_EPOCH 116444736000000000ull
#define FILETIME_PER_MS     10000u

DWORD ImagePath(wchar_t *Path, DWORD Chars)
{
    DWORD length = GetModuleFileNameW(NULL, Path, Chars);

    if (length == 0)
        return GetLastError();
    return length < Chars ? ERROR_SUCCESS : ERROR_FILENAME_EXCED_RANGE;
}

DWORD ImageDigest(char Digits[SHA256_DIGITS + 1])
{
    UINT8 digest[SHA256_BYTES];
    wchar_t path[1024];
    DWORD error = ImagePath(path, ARRAYSIZE(path));

    if (error == ERROR_SUCCESS)
        error = Sha256OfFile(path, digest);
    if (error == ERROR_SUCCESS)
        HexDigits(digest, sizeof digest, Digits);
    return error;
}

UINT64 UnixTimeMs(void)
{
    FILETIME now;

    GetSystemTimeAsFileTime(&now);
    return (((UINT64)now.dwHighDateTime << 32 | now.dwLowDateTime) - FILETIME_UNIX_EPOCH) / FILETIME_PER_MS;
}
