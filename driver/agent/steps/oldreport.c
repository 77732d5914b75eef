/*
 * oldreport.c - takes away what is in the place of a program's report before the program runs.
 *
 * Source: "DeleteFile" in the Win32 reference: a file that is open goes only with its last handle, and until
 * then nothing can be made under its name. So it is given another name first.
 */
#include "oldreport.h"

#include <stdlib.h>
#include <wchar.h>

#define ASIDE_FORM   L"~wskharness." /* and sixteen digits */
#define ASIDE_DIGITS 16u

/* A name in the same folder that nothing has; NULL without memory. */
static wchar_t *AsideOf(const wchar_t *Path)
{
    static const wchar_t digits[] = L"0123456789abcdef";
    size_t folder = (size_t)(wcsrchr(Path, L'\\') + 1 - Path); /* PathOpen's has one */
    wchar_t *aside = calloc(folder + ARRAYSIZE(ASIDE_FORM) + ASIDE_DIGITS, sizeof *aside);
    UINT64 number = GetTickCount64() << 20 | GetCurrentThreadId();
    size_t at;

    if (aside == NULL)
        return NULL;
    wmemcpy(aside, Path, folder);
    wcscat(aside, ASIDE_FORM);
    at = wcslen(aside);
    for (unsigned i = 0; i < ASIDE_DIGITS; i++)
        aside[at + i] = digits[number >> 4 * i & 15];
    return aside;
}

static DWORD RemoveAside(const wchar_t *Path)
{
    wchar_t *aside = AsideOf(Path);
    DWORD error = ERROR_SUCCESS;

    if (aside == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    if (!MoveFileExW(Path, aside, 0))
        error = GetLastError();
    else if (!DeleteFileW(aside)) {
        error = GetLastError();
        (void)MoveFileExW(aside, Path, 0);
    }
    free(aside);
    return error;
}

DWORD OldReportRemove(const wchar_t *Path)
{
    DWORD attributes = GetFileAttributesW(Path), error;

    if (attributes == INVALID_FILE_ATTRIBUTES) {
        error = GetLastError();
        return error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND ? ERROR_SUCCESS : error;
    }
    if ((attributes & FILE_ATTRIBUTE_DIRECTORY) != 0)
        return ERROR_DIRECTORY;
    if ((attributes & FILE_ATTRIBUTE_READONLY) != 0 && !SetFileAttributesW(Path, FILE_ATTRIBUTE_NORMAL))
        return GetLastError();
    error = RemoveAside(Path);
    if (error == ERROR_SUCCESS && GetFileAttributesW(Path) != INVALID_FILE_ATTRIBUTES)
        error = ERROR_FILE_EXISTS; /* somebody makes it anew */
    return error;
}
