/*
 * genericfile.c - steps that bring a file into the guest, or fetch one. Source: "CopyFile" in the Win32
 * reference.
 */
#include "genericpath.h"
#include "path.h"
#include "status.h"
#include "undo.h"

#include <stdlib.h>

#define STATUS_FILE_TOO_LARGE_VALUE 0xC0000904u

#define TREE_DEPTH_MAX   64u
#define UPLOAD_TEXTS_MAX 4096u

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

/* ---- upload ---- */

/* An upload while it is under way. */
typedef struct UPLOAD {
    const STEP_RUN *Run;
    BOOL Outside; /* of the case's folder: what it brings goes again when the case is over */
    UINT64 Bytes;
} UPLOAD;

static DWORD UploadFile(UPLOAD *Upload, const wchar_t *From, const wchar_t *To)
{
    BOOL replace = (Upload->Run->Step->Arg[0] & WSKP_UPLOAD_REPLACE) != 0;
    UINT64 bytes = 0;
    DWORD error = SizeOf(From, &bytes);

    if (error == ERROR_SUCCESS && Upload->Outside)
        error = UndoMakeRoom(Upload->Run->Journal, To, replace);
    if (error == ERROR_SUCCESS)
        error = CopyTo(From, To);
    Upload->Bytes += bytes;
    return error;
}

/* A folder in which nothing is. */
static DWORD UploadFolder(UPLOAD *Upload, const wchar_t *To)
{
    wchar_t *inside = PathJoin(To, L"x");
    DWORD error = ERROR_NOT_ENOUGH_MEMORY;

    if (inside == NULL)
        return error;
    error = Upload->Outside ? UndoMakeFolders(Upload->Run->Journal, inside) : PathMakeFolders(inside);
    free(inside);
    return error;
}

static DWORD UploadTree(UPLOAD *Upload, const wchar_t *From, const wchar_t *To, unsigned Depth);

static DWORD UploadEntry(UPLOAD *Upload, const wchar_t *From, const wchar_t *To,
                         const WIN32_FIND_DATAW *Found, unsigned Depth)
{
    wchar_t *from = PathJoin(From, Found->cFileName), *to = PathJoin(To, Found->cFileName);
    DWORD error = ERROR_NOT_ENOUGH_MEMORY;

    if (from != NULL && to != NULL)
        error = (Found->dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0
                    ? UploadTree(Upload, from, to, Depth + 1)
                    : UploadFile(Upload, from, to);
    free(from);
    free(to);
    return error;
}

/* What was pushed is of the controller's making, and has no links in it. */
static DWORD UploadTree(UPLOAD *Upload, const wchar_t *From, const wchar_t *To, unsigned Depth)
{
    wchar_t *pattern = PathJoin(From, L"*");
    WIN32_FIND_DATAW found;
    DWORD error = ERROR_SUCCESS;
    HANDLE find;

    if (pattern == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    find = Depth < TREE_DEPTH_MAX ? FindFirstFileW(pattern, &found) : INVALID_HANDLE_VALUE;
    free(pattern);
    if (find == INVALID_HANDLE_VALUE)
        return Depth < TREE_DEPTH_MAX ? GetLastError() : ERROR_FILENAME_EXCED_RANGE;
    do {
        if (wcscmp(found.cFileName, L".") != 0 && wcscmp(found.cFileName, L"..") != 0)
            error = UploadEntry(Upload, From, To, &found, Depth);
    } while (error == ERROR_SUCCESS && FindNextFileW(find, &found));
    FindClose(find);
    return error;
}

/* The folders that are empty here were not pushed. */
static DWORD UploadFolders(UPLOAD *Upload, WORDS Words, const wchar_t *To)
{
    DWORD error = ERROR_SUCCESS;
    wchar_t *below;

    while (error == ERROR_SUCCESS && (below = WordsNextWide(&Words)) != NULL) {
        wchar_t *path = GenericPath(To, below, &error);

        if (path != NULL)
            error = UploadFolder(Upload, path);
        free(path);
        free(below);
    }
    return error;
}

static DWORD UploadAll(UPLOAD *Upload, const wchar_t *From, const wchar_t *To)
{
    DWORD attributes = GetFileAttributesW(From);
    BOOL there = attributes != INVALID_FILE_ATTRIBUTES,
         folder = there && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
    WORDS folders = Upload->Run->Words, look = folders;
    DWORD error = ERROR_SUCCESS;

    if (folder)
        error = UploadTree(Upload, From, To, 0);
    else if (there ||
             WordsNext(&look) == NULL) /* of a folder with nothing but folders in it nothing is pushed */
        error = UploadFile(Upload, From, To);
    return error == ERROR_SUCCESS ? UploadFolders(Upload, folders, To) : error;
}

static UINT32 DoUpload(STEP_RUN *Run)
{
    wchar_t *from = WordsNextWide(&Run->Words), *to = WordsNextWide(&Run->Words);
    UPLOAD upload = {.Run = Run, .Outside = to != NULL && HasDrive(to)};
    wchar_t *source, *target = NULL;
    DWORD error;

    source = GenericFind(Run, from, &error);
    if (source != NULL)
        target = GenericPath(Run->Folders.Work, to, &error);
    if (target != NULL)
        error = UploadAll(&upload, source, target);
    Run->Result->Value[WSKP_V_FILE_BYTES] = upload.Bytes;
    free(source);
    free(target);
    free(from);
    free(to);
    return StatusOfWin32(error);
}

const STEP_KIND UploadStep = {.Op = WSKP_OP_UPLOAD,
                              .Execute = DoUpload,
                              .ArgMax = {WSKP_UPLOAD_OPTIONS},
                              .TextsMin = 2,
                              .TextsMax = UPLOAD_TEXTS_MAX};

/* ---- collect ---- */

static UINT32 DoCollect(STEP_RUN *Run)
{
    wchar_t *from = WordsNextWide(&Run->Words), *to = WordsNextWide(&Run->Words);
    wchar_t *source, *target = NULL;
    UINT64 bytes = 0;
    UINT32 status = STATUS_FILE_TOO_LARGE_VALUE;
    DWORD error;

    source = GenericPath(Run->Folders.Work, from, &error);
    if (source != NULL)
        target = GenericPath(Run->Folders.Files, to, &error);
    if (target != NULL)
        error = SizeOf(source, &bytes);
    Run->Result->Value[WSKP_V_FILE_BYTES] = bytes;
    if (error != ERROR_SUCCESS || bytes <= Run->Step->Arg[0]) {
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

const STEP_KIND CollectStep = {.Op = WSKP_OP_COLLECT, .Execute = DoCollect, .TextsMin = 2, .TextsMax = 2};
