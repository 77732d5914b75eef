/* folders.c - the folders that a case has in the guest. */
#include "folders.h"
#include "path.h"

#include <stdlib.h>
#include <wchar.h>

#define DEPTH_MAX 32u

/* FOLDER\NAME with the number behind it, to be freed; NULL without memory. */
static wchar_t *Numbered(const wchar_t *Folder, const wchar_t *Name, UINT32 N)
{
    size_t length = wcslen(Folder) + wcslen(Name) + 16;
    wchar_t *path = calloc(length, sizeof *path);

    if (path != NULL)
        swprintf(path, length, L"%ls\\%ls%u", Folder, Name, N);
    return path;
}

DWORD FoldersOf(const wchar_t *JournalPath, const WSKP_CASE *Case, UINT32 N, FOLDERS *Folders)
{
    const wchar_t *slash = wcsrchr(JournalPath, L'\\');
    size_t length = slash != NULL ? (size_t)(slash - JournalPath) : 0;
    wchar_t *run, *suite = NULL;
    BOOL whole;

    *Folders = (FOLDERS){0};
    if (length == 0)
        return ERROR_INVALID_NAME;
    run = calloc(length + 1, sizeof *run);
    if (run == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    wcsncpy(run, JournalPath, length);
    Folders->Work = Numbered(run, L"work\\", N);
    Folders->Files = Numbered(run, L"files\\", N);
    if (Case->Suite != 0)
        suite = Numbered(run, L"work\\suite-", Case->Suite);
    free(run);
    whole = Folders->Work != NULL && Folders->Files != NULL && (suite != NULL || Case->Suite == 0);
    if (Case->Role == WSKP_ROLE_CASE) {
        Folders->Suite = suite;
    } else {
        free(Folders->Work);
        Folders->Work = suite;
    }
    if (whole)
        return ERROR_SUCCESS;
    FoldersFree(Folders);
    return ERROR_NOT_ENOUGH_MEMORY;
}

void FoldersFree(FOLDERS *Folders)
{
    free(Folders->Work);
    free(Folders->Suite);
    free(Folders->Files);
    *Folders = (FOLDERS){0};
}

/* A link is removed, and not followed. What can't be removed stays. */
static void RemoveTree(const wchar_t *Folder, unsigned Depth)
{
    wchar_t *pattern = PathJoin(Folder, L"*");
    WIN32_FIND_DATAW found;
    HANDLE find = pattern != NULL ? FindFirstFileW(pattern, &found) : INVALID_HANDLE_VALUE;

    free(pattern);
    if (find != INVALID_HANDLE_VALUE) {
        do {
            BOOL folder = (found.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
            BOOL link = (found.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0;
            wchar_t *path = PathJoin(Folder, found.cFileName);

            if (path == NULL || wcscmp(found.cFileName, L".") == 0 || wcscmp(found.cFileName, L"..") == 0) {
                free(path);
                continue;
            }
            if ((found.dwFileAttributes & FILE_ATTRIBUTE_READONLY) != 0)
                (void)SetFileAttributesW(path, FILE_ATTRIBUTE_NORMAL);
            if (!folder)
                (void)DeleteFileW(path);
            else if (link || Depth == DEPTH_MAX)
                (void)RemoveDirectoryW(path);
            else
                RemoveTree(path, Depth + 1);
            free(path);
        } while (FindNextFileW(find, &found));
        FindClose(find);
    }
    (void)RemoveDirectoryW(Folder);
}

void FoldersEmpty(const wchar_t *JournalPath, const WSKP_CASE *Case, UINT32 N)
{
    FOLDERS folders;

    if (Case->Role == WSKP_ROLE_SET_UP || FoldersOf(JournalPath, Case, N, &folders) != ERROR_SUCCESS)
        return;
    if (GetFileAttributesW(folders.Work) != INVALID_FILE_ATTRIBUTES)
        RemoveTree(folders.Work, 0);
    FoldersFree(&folders);
}
