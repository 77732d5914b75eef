/*
 * programinput.c - the standard input of a program that a step runs: a file, which may be one that is there
 * for nothing else and goes with its last handle. A pipe would want a thread that writes to it.
 */
#include "programinput.h"
#include "genericpath.h"
#include "settings.h"
#include "stream.h"

#include <stdlib.h>

static HANDLE OpenInherited(const wchar_t *Path, DWORD Access, DWORD Creation, DWORD Flags)
{
    SECURITY_ATTRIBUTES inherit = {.nLength = sizeof inherit, .bInheritHandle = TRUE};
    HANDLE file = CreateFileW(Path, Access, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, &inherit,
                              Creation, Flags, NULL);

    return file == INVALID_HANDLE_VALUE ? NULL : file;
}

/* A file of the system's folder for such, with nothing in it. */
static HANDLE OpenTemporary(void)
{
    wchar_t folder[MAX_PATH + 1], path[MAX_PATH + 1];
    DWORD length = GetTempPathW(ARRAYSIZE(folder), folder);

    if (length == 0 || length >= ARRAYSIZE(folder) || GetTempFileNameW(folder, L"wsk", 0, path) == 0)
        return NULL;
    return OpenInherited(path, GENERIC_READ | GENERIC_WRITE | DELETE, CREATE_ALWAYS,
                         FILE_ATTRIBUTE_TEMPORARY | FILE_FLAG_DELETE_ON_CLOSE);
}

static DWORD FillWith(HANDLE File, const char *Digits)
{
    DWORD count = 0, error = ERROR_NOT_ENOUGH_MEMORY;
    UINT8 *bytes = malloc(RUN_INPUT_BYTES);

    if (bytes == NULL)
        return error;
    error = HexBytes(Digits, bytes, RUN_INPUT_BYTES, &count) ? WriteFully(File, bytes, count)
                                                             : ERROR_INVALID_DATA;
    if (error == ERROR_SUCCESS && SetFilePointer(File, 0, NULL, FILE_BEGIN) == INVALID_SET_FILE_POINTER)
        error = GetLastError();
    free(bytes);
    return error;
}

static DWORD OpenFileOf(const wchar_t *Folder, const wchar_t *Name, HANDLE *Input)
{
    DWORD error;
    wchar_t *path = GenericPath(Folder, Name, &error);

    if (path == NULL)
        return error;
    *Input = OpenInherited(path, GENERIC_READ, OPEN_EXISTING, 0);
    error = *Input != NULL ? ERROR_SUCCESS : GetLastError();
    free(path);
    return error;
}

DWORD ProgramInputOpen(const wchar_t *Folder, const RUN_ORDER *Order, HANDLE *Input)
{
    DWORD error;

    *Input = NULL;
    if (Order->InputFile != NULL)
        return OpenFileOf(Folder, Order->InputFile, Input);
    if (Order->Input == NULL)
        return ERROR_SUCCESS;
    *Input = OpenTemporary();
    if (*Input == NULL)
        return GetLastError();
    error = FillWith(*Input, Order->Input);
    if (error != ERROR_SUCCESS) {
        CloseHandle(*Input);
        *Input = NULL;
    }
    return error;
}
