/* folders.c - the folders that a case has in the guest. */
#include "folders.h"
#include "path.h"
#include "tree.h"

#include <stdlib.h>
#include <wchar.h>

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

void FoldersEmpty(const wchar_t *JournalPath, const WSKP_CASE *Case, UINT32 N)
{
    FOLDERS folders;

    if (Case->Role == WSKP_ROLE_SET_UP || FoldersOf(JournalPath, Case, N, &folders) != ERROR_SUCCESS)
        return;
    if (GetFileAttributesW(folders.Work) != INVALID_FILE_ATTRIBUTES)
        TreeRemove(folders.Work);
    FoldersFree(&folders);
}
