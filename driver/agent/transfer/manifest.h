/* manifest.h - the list of files that a put announces. */
#pragma once

#include "digest.h"

#define MANIFEST_FILES_MAX 4096u

typedef struct MANIFEST_FILE {
    UINT64 Size;
    UINT8 Sha256[SHA256_BYTES];
    wchar_t *Path; /* as PathOpen gives it */
    UINT64 Wanted; /* offset from which data is wanted; Size when the file is there */
    BOOL There;
    BOOL Made; /* by looking for what is there: nothing of it is to come */
} MANIFEST_FILE;

typedef struct MANIFEST {
    MANIFEST_FILE *File;
    UINT32 Count;
} MANIFEST;

/*
 * Reads the payload of a MANIFEST frame. On an error, *Index is the entry at fault (Count where it is
 * none of them in particular). MANIFEST.File is to be freed by ManifestFree in either case.
 */
_Must_inspect_result_ DWORD ManifestRead(MANIFEST *Manifest, UINT32 Count, const UINT8 *Payload, size_t Bytes,
                                         UINT32 *Index);
void ManifestFree(MANIFEST *Manifest);
