/*
 * genericfile.c - steps that bring a file into the guest, or fetch one. Source: "CopyFile" in the Win32
 * reference.
 */
#include "genericsteps.h"
#include "path.h"
#include "status.h"

#include <stdlib.h>

#define STATUS_FILE_TOO_LARGE_VALUE 0xC0000904u

static DWORD SizeOf(const wchar_t *Path, UINT64 *Bytes)
{
    WIN32_FILE_ATTRIBUTE_DATA data;

    if (!GetFileAttributesExW(Path, GetFileExInfoStandard, &data))
        return GetLastError();
    if ((data.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0)
        return ERROR_DIRECTORY;
    *Bytes = (UINT64)data.nFileSizeHigh << 32 | data.nFileSizeLow;
    return ERROR_SUCCESS;
}

/* Copies a file to a place whose folders are made. */
static DWORD CopyTo(const wchar_t *From, const wchar_t *To)
{
    DWORD error = PathMakeFolders(To);

    if (error == ERROR_SUCCESS && !CopyFileW(From, To, FALSE))
        error = GetLastError();
    return error;
}

static UINT32 Transfer(GENERIC *Generic, const wchar_t *ToFolder, UINT64 BytesMax)
{
    wchar_t *from = WordsNextWide(&Generic->Words), *to = WordsNextWide(&Generic->Words);
    wchar_t *source, *target = NULL;
    UINT64 bytes = 0;
    UINT32 status;
    DWORD error;

    source = GenericFind(Generic, from, &error);
    if (source != NULL)
        target = GenericPath(ToFolder, to, &error);
    if (target != NULL)
        error = SizeOf(source, &bytes);
    Generic->Result->Value[WSKP_V_FILE_BYTES] = bytes;
    status = STATUS_FILE_TOO_LARGE_VALUE;
    if (error != ERROR_SUCCESS || bytes <= BytesMax) {
        if (error == ERROR_SUCCESS)
            error = CopyTo(source, target);
        status = StatusOfWin32(error);
    }
    free(source);
    free(target);
    free(from);
    free(to);
    return status;
}

UINT32 DoUpload(GENERIC *Generic)
{
    return Transfer(Generic, Generic->Folders.Work, MAXUINT64);
}

UINT32 DoCollect(GENERIC *Generic)
{
    return Transfer(Generic, Generic->Folders.Files, Generic->Step->Arg[0]);
}
