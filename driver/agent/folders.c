/* folders.c - the folders that a case has in the guest. */
#include "folders.h"
#include "path.h"

#include <stdlib.h>
#include <wchar.h>

#define DEPTH_MAX 32u

wchar_t *FolderJoin(const wchar_t *Folder, const wchar_t *Name)
{
    size_t length = wcslen(Folder) + wcslen(Name) + 2;
    wchar_t *path = calloc(length, sizeof *path);

    if (path == NULL)
        return NULL;
    wcscpy(path, Folder);
    wcscat(path, L"\\");
    wcscat(path, Name);
    return path;
}

DWORD FoldersOf(const wchar_t *JournalPath, UINT32 N, FOLDERS *Folders)
{
    const wchar_t *slash = wcsrchr(JournalPath, L'\\');
    size_t length = slash != NULL ? (size_t)(slash - JournalPath) : 0;
    wchar_t digits[16], *run;
    DWORD error = ERROR_NOT_ENOUGH_MEMORY;
    size_t at = ARRAYSIZE(digits) - 1;

    *Folders = (FOLDERS){0};
    if (length == 0)
        return ERROR_INVALID_NAME;
    digits[at] = L'\0';
    do {
        digits[--at] = (wchar_t)(L'0' + N % 10);
        N /= 10;
    } while (N != 0);
    run = calloc(length + 10, sizeof *run);
    if (run == NULL)
        return error;
    wcsncpy(run, JournalPath, length);
    wcscat(run, L"\\work");
    Folders->Work = FolderJoin(run, digits + at);
    wcscpy(run + length, L"\\files");
    Folders->Files = FolderJoin(run, digits + at);
    free(run);
    if (Folders->Work != NULL && Folders->Files != NULL)
        return ERROR_SUCCESS;
    FoldersFree(Folders);
    return error;
}

void FoldersFree(FOLDERS *Folders)
{
    free(Folders->Work);
    free(Folders->Files);
    *Folders = (FOLDERS){0};
}

/* A link is removed, and not followed. What can't be removed stays. */
static void RemoveTree(const wchar_t *Folder, unsigned Depth)
{
    wchar_t *pattern = FolderJoin(Folder, L"*");
    WIN32_FIND_DATAW found;
    HANDLE find = pattern != NULL ? FindFirstFileW(pattern, &found) : INVALID_HANDLE_VALUE;

    free(pattern);
    if (find != INVALID_HANDLE_VALUE) {
        do {
            BOOL folder = (found.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
            BOOL link = (found.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0;
            wchar_t *path = FolderJoin(Folder, found.cFileName);

            if (path == NULL || wcscmp(found.cFileName, L".") == 0 || wcscmp(found.cFileName, L"..") == 0) {
                free(path);
                continue;
            }
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

void FoldersEmpty(const wchar_t *JournalPath, UINT32 N)
{
    FOLDERS folders;

    if (FoldersOf(JournalPath, N, &folders) != ERROR_SUCCESS)
        return;
    if (GetFileAttributesW(folders.Work) != INVALID_FILE_ATTRIBUTES)
        RemoveTree(folders.Work, 0);
    FoldersFree(&folders);
}
