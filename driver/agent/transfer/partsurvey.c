/* partsurvey.c - what there is of a file that is to be received: itself, its part, or nothing. */
#include "part.h"
#include "path.h"

#include <stdlib.h>

static HANDLE OpenToRead(const wchar_t *Path)
{
    return CreateFileW(Path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, NULL, OPEN_EXISTING,
                       FILE_FLAG_SEQUENTIAL_SCAN, NULL);
}

/* Is there a file of that size and hash at Path? *Size is its size, 0 when there is none. */
static BOOL FileMatches(const MANIFEST_FILE *File, const wchar_t *Path, UINT64 *Size)
{
    UINT8 digest[SHA256_BYTES];
    LARGE_INTEGER size;
    BOOL matches = FALSE;
    SHA256 hash;
    UINT64 count;
    HANDLE file = OpenToRead(Path);

    *Size = 0;
    if (file == INVALID_HANDLE_VALUE)
        return FALSE;
    if (!GetFileSizeEx(file, &size))
        goto Exit;
    *Size = (UINT64)size.QuadPart;
    if (*Size != File->Size)
        goto Exit;
    Sha256Init(&hash);
    if (Sha256AddFile(&hash, file, MAXUINT64, &count) != ERROR_SUCCESS || count != File->Size)
        goto Exit;
    Sha256Finish(&hash, digest);
    matches = memcmp(digest, File->Sha256, sizeof digest) == 0;

Exit:
    CloseHandle(file);
    return matches;
}

DWORD PartGiveName(const MANIFEST_FILE *File, const wchar_t *Part)
{
    if (!MoveFileExW(Part, File->Path, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH))
        return GetLastError();
    return ERROR_SUCCESS;
}

DWORD PartSurvey(MANIFEST_FILE *File)
{
    UINT64 size;
    DWORD error = ERROR_SUCCESS;
    HANDLE file;
    wchar_t *part = PartName(File->Path);

    if (part == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    if (FileMatches(File, File->Path, &size)) {
        File->There = TRUE;
        goto Exit;
    }
    error = PartSettle(File);
    if (error != ERROR_SUCCESS)
        goto Exit;
    if (File->Size == 0) {
        file = PartOpen(part, FILE_SHARE_READ, &error);
        if (file == INVALID_HANDLE_VALUE)
            goto Exit;
        if (!SetEndOfFile(file))
            error = GetLastError();
        CloseHandle(file);
        if (error != ERROR_SUCCESS)
            goto Exit;
    }
    File->There = FileMatches(File, part, &size);
    File->Made = File->There;
    if (File->There) {
        error = PartGiveName(File, part);
    } else if (size < File->Size) {
        File->Wanted = size;
    } else if (!DeleteFileW(part)) {
        error = GetLastError();
    }
    if (error == ERROR_SUCCESS && File->Size == 0 && !File->There)
        error = ERROR_CRC;

Exit:
    if (File->There)
        File->Wanted = File->Size;
    free(part);
    return error;
}
