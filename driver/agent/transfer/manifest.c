/* manifest.c - the list of files that a put announces. */
#include "manifest.h"
#include "path.h"

#include <stdlib.h>
#include <wchar.h>

/* u64 size, u8[32] sha256, u16 path length */
#define ENTRY_FIXED (8u + SHA256_BYTES + 2u)

/* By the letter: whether two names that differ in case are one file, each folder decides (case-sensitive ones
 * don't take them for one), and the controller asks for no two that are when it sends. */
static BOOL NamedBefore(const MANIFEST *Manifest, UINT32 Index)
{
    for (UINT32 i = 0; i < Index; i++) {
        if (wcscmp(Manifest->File[i].Path, Manifest->File[Index].Path) == 0)
            return TRUE;
    }
    return FALSE;
}

/* Takes one entry off the payload; returns how many bytes it took, 0 with *Error for a bad one. */
static size_t ReadEntry(MANIFEST_FILE *File, const UINT8 *Entry, size_t Bytes, DWORD *Error)
{
    UINT16 pathBytes;

    *Error = ERROR_INVALID_DATA;
    if (Bytes < ENTRY_FIXED)
        return 0;
    memcpy(&File->Size, Entry, sizeof File->Size);
    memcpy(File->Sha256, Entry + 8, SHA256_BYTES);
    memcpy(&pathBytes, Entry + 8 + SHA256_BYTES, sizeof pathBytes);
    if (pathBytes > Bytes - ENTRY_FIXED || File->Size > MAXINT64)
        return 0;
    File->Path = PathOpenUtf8((const char *)Entry + ENTRY_FIXED, pathBytes, Error);
    return File->Path != NULL ? ENTRY_FIXED + pathBytes : 0;
}

DWORD ManifestRead(MANIFEST *Manifest, UINT32 Count, const UINT8 *Payload, size_t Bytes, UINT32 *Index)
{
    Manifest->Count = 0;
    Manifest->File = NULL;
    *Index = Count;
    if (Count == 0 || Count > MANIFEST_FILES_MAX)
        return ERROR_INVALID_DATA;
    Manifest->File = calloc(Count, sizeof *Manifest->File);
    if (Manifest->File == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    for (UINT32 i = 0; i < Count; i++) {
        DWORD error;
        size_t taken = ReadEntry(&Manifest->File[i], Payload, Bytes, &error);

        *Index = i;
        if (taken == 0)
            return error;
        Manifest->Count = i + 1;
        if (NamedBefore(Manifest, i))
            return ERROR_DUP_NAME;
        Payload += taken;
        Bytes -= taken;
    }
    *Index = Count;
    return Bytes == 0 ? ERROR_SUCCESS : ERROR_INVALID_DATA;
}

void ManifestFree(MANIFEST *Manifest)
{
    for (UINT32 i = 0; i < Manifest->Count; i++)
        free(Manifest->File[i].Path);
    free(Manifest->File);
    Manifest->File = NULL;
    Manifest->Count = 0;
}
