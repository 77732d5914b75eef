/* part.c - the file that an upload grows in. */
#include "part.h"
#include "path.h"
#include "stream.h"

#include <stdlib.h>
#include <wchar.h>

#define PART_PREFIX L".wskharness-"
#define PART_SUFFIX L".part"
#define MAP_SUFFIX  L".part.map"
#define NAME_BYTES  16u         /* of the hash that are in a part's name */
#define MAP_MAGIC   0x4D4B5357u /* "WSKM" */

C_ASSERT(sizeof(PART_LAYOUT) == 56);

BOOL PartLayoutCheck(PART_LAYOUT *Layout)
{
    Layout->Magic = MAP_MAGIC;
    return Layout->Chunk >= PART_CHUNK_MIN && Layout->Chunk <= PART_CHUNK_MAX && Layout->Size <= MAXINT64 &&
           Layout->From < Layout->Size;
}

/* A name beside Path that only Path's own leads to, as long as any other. NULL without memory. To be freed.
 */
static wchar_t *Beside(const wchar_t *Path, const wchar_t *Suffix)
{
    const wchar_t *name = wcsrchr(Path, L'\\') + 1; /* a path that was opened has one */
    wchar_t told[ARRAYSIZE(PART_PREFIX) + 2 * NAME_BYTES + ARRAYSIZE(MAP_SUFFIX)] = PART_PREFIX;
    wchar_t *end = told + ARRAYSIZE(PART_PREFIX) - 1, *path;
    size_t folder = (size_t)(name - Path);
    UINT8 digest[SHA256_BYTES];
    SHA256 hash;

    Sha256Init(&hash);
    Sha256Add(&hash, name, wcslen(name) * sizeof *name);
    Sha256Finish(&hash, digest);
    for (unsigned i = 0; i < NAME_BYTES; i++) {
        *end++ = L"0123456789abcdef"[digest[i] / 16];
        *end++ = L"0123456789abcdef"[digest[i] % 16];
    }
    wcscpy(end, Suffix);
    path = malloc((folder + wcslen(told) + 1) * sizeof *path);
    if (path == NULL)
        return NULL;
    memcpy(path, Path, folder * sizeof *path);
    wcscpy(path + folder, told);
    return path;
}

wchar_t *PartName(const wchar_t *Path) { return Beside(Path, PART_SUFFIX); }

wchar_t *PartMapName(const wchar_t *Path) { return Beside(Path, MAP_SUFFIX); }

static HANDLE CreatePart(const wchar_t *Name, DWORD Share, DWORD *Error)
{
    HANDLE file = CreateFileW(Name, GENERIC_READ | GENERIC_WRITE, Share, NULL, OPEN_ALWAYS,
                              FILE_ATTRIBUTE_NORMAL, NULL);

    *Error = file == INVALID_HANDLE_VALUE ? GetLastError() : ERROR_SUCCESS;
    return file;
}

HANDLE PartOpen(const wchar_t *Name, DWORD Share, DWORD *Error)
{
    HANDLE file = CreatePart(Name, Share, Error);

    if (*Error != ERROR_PATH_NOT_FOUND)
        return file;
    *Error = PathMakeFolders(Name);
    return *Error == ERROR_SUCCESS ? CreatePart(Name, Share, Error) : INVALID_HANDLE_VALUE;
}

DWORD PartMark(HANDLE Map, const PART_LAYOUT *Layout, UINT64 Offset)
{
    const UINT8 there = 1;
    LARGE_INTEGER at;

    at.QuadPart = (LONGLONG)(sizeof *Layout + (Offset - Layout->From) / Layout->Chunk);
    if (!SetFilePointerEx(Map, at, NULL, FILE_BEGIN))
        return GetLastError();
    return WriteFully(Map, &there, sizeof there);
}

UINT64 PartMissing(HANDLE Map, const PART_LAYOUT *Layout)
{
    LARGE_INTEGER begin = {.QuadPart = sizeof *Layout};
    UINT64 missing = Layout->Size - Layout->From, chunk = Layout->From;
    UINT8 marks[4096];
    size_t got;

    if (!SetFilePointerEx(Map, begin, NULL, FILE_BEGIN))
        return missing;
    while (chunk < Layout->Size && ReadFully(Map, marks, sizeof marks, &got) == ERROR_SUCCESS && got != 0) {
        for (size_t i = 0; i < got && chunk < Layout->Size; i++, chunk += Layout->Chunk)
            if (marks[i] == 1)
                missing -= Layout->Size - chunk < Layout->Chunk ? Layout->Size - chunk : Layout->Chunk;
    }
    return missing;
}

/* Up to which byte all is there by what a map says; 0 for a map that is of another file, or none. */
static UINT64 ReadMap(HANDLE Map, const MANIFEST_FILE *File)
{
    PART_LAYOUT layout = {0};
    UINT8 marks[4096];
    UINT64 end;
    size_t got, i;

    if (ReadFully(Map, &layout, sizeof layout, &got) != ERROR_SUCCESS || got != sizeof layout ||
        layout.Magic != MAP_MAGIC || !PartLayoutCheck(&layout) || layout.Size != File->Size ||
        memcmp(layout.Sha256, File->Sha256, sizeof layout.Sha256) != 0)
        return 0;
    end = layout.From;
    while (end < layout.Size) {
        if (ReadFully(Map, marks, sizeof marks, &got) != ERROR_SUCCESS || got == 0)
            return end;
        for (i = 0; i < got && marks[i] == 1 && end < layout.Size; i++)
            end += layout.Chunk;
        if (i < got)
            break;
    }
    return end < layout.Size ? end : layout.Size;
}

/* Cuts the part off at End, unless it is shorter already. */
static DWORD CutPart(const MANIFEST_FILE *File, UINT64 End)
{
    LARGE_INTEGER size, cut = {.QuadPart = (LONGLONG)End};
    DWORD error = ERROR_SUCCESS;
    HANDLE part = INVALID_HANDLE_VALUE;
    wchar_t *name = PartName(File->Path);

    if (name == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    part = PartOpen(name, FILE_SHARE_READ, &error);
    free(name);
    if (part == INVALID_HANDLE_VALUE)
        return error;
    if (!GetFileSizeEx(part, &size) ||
        (size.QuadPart > cut.QuadPart &&
         (!SetFilePointerEx(part, cut, NULL, FILE_BEGIN) || !SetEndOfFile(part))))
        error = GetLastError();
    CloseHandle(part);
    return error;
}

DWORD PartSettle(const MANIFEST_FILE *File)
{
    DWORD error = ERROR_SUCCESS;
    HANDLE map;
    UINT64 end;
    wchar_t *name = PartMapName(File->Path);

    if (name == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    map = CreateFileW(name, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, NULL, OPEN_EXISTING, 0, NULL);
    if (map == INVALID_HANDLE_VALUE) {
        error = GetLastError();
        if (error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND)
            error = ERROR_SUCCESS;
        goto Exit;
    }
    end = ReadMap(map, File);
    CloseHandle(map);
    error = CutPart(File, end);
    if (error == ERROR_SUCCESS && !DeleteFileW(name))
        error = GetLastError();

Exit:
    free(name);
    return error;
}

void PartDiscard(const MANIFEST_FILE *File)
{
    wchar_t *part = PartName(File->Path), *map = PartMapName(File->Path);

    if (part != NULL)
        (void)DeleteFileW(part);
    if (map != NULL)
        (void)DeleteFileW(map);
    free(part);
    free(map);
}
