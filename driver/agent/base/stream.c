/* stream.c - whole reads and writes. */
#include "stream.h"

#include <stdlib.h>

/* An empty write at the other end of a pipe reads as zero bytes; more than a few are the end. */
#define EMPTY_READS_MAX 16u

DWORD ReadFully(HANDLE Stream, void *Buffer, size_t Count, size_t *Got)
{
    UINT8 *next = Buffer;
    unsigned empty = 0;

    *Got = 0;
    while (*Got < Count) {
        size_t left = Count - *Got;
        DWORD read = 0;

        if (!ReadFile(Stream, next, left < (1u << 20) ? (DWORD)left : (1u << 20), &read, NULL)) {
            DWORD error = GetLastError();

            return error == ERROR_BROKEN_PIPE || error == ERROR_HANDLE_EOF ? ERROR_SUCCESS : error;
        }
        if (read == 0 && (++empty > EMPTY_READS_MAX || GetFileType(Stream) != FILE_TYPE_PIPE))
            return ERROR_SUCCESS;
        next += read;
        *Got += read;
    }
    return ERROR_SUCCESS;
}

DWORD WriteFully(HANDLE Stream, const void *Buffer, size_t Count)
{
    const UINT8 *next = Buffer;

    while (Count != 0) {
        DWORD written = 0;

        if (!WriteFile(Stream, next, Count < (1u << 20) ? (DWORD)Count : (1u << 20), &written, NULL))
            return GetLastError();
        if (written == 0)
            return ERROR_WRITE_FAULT;
        next += written;
        Count -= written;
    }
    return ERROR_SUCCESS;
}

DWORD ReadWholeFile(const wchar_t *Path, size_t Limit, UINT8 **Data, size_t *Size)
{
    DWORD error = ERROR_SUCCESS;
    LARGE_INTEGER size;
    UINT8 *data = NULL;
    HANDLE file = CreateFileW(Path, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING,
                              FILE_FLAG_SEQUENTIAL_SCAN, NULL);

    if (file == INVALID_HANDLE_VALUE)
        return GetLastError();
    if (!GetFileSizeEx(file, &size)) {
        error = GetLastError();
        goto Exit;
    }
    if ((UINT64)size.QuadPart > Limit) {
        error = ERROR_FILE_TOO_LARGE;
        goto Exit;
    }
    data = malloc((size_t)size.QuadPart + 1);
    if (data == NULL) {
        error = ERROR_NOT_ENOUGH_MEMORY;
        goto Exit;
    }
    error = ReadFully(file, data, (size_t)size.QuadPart, Size);
    if (error == ERROR_SUCCESS && *Size != (size_t)size.QuadPart)
        error = ERROR_HANDLE_EOF;
    if (error != ERROR_SUCCESS)
        goto Exit;
    *Data = data;
    data = NULL;

Exit:
    free(data);
    CloseHandle(file);
    return error;
}
