/* tree.c - removes a folder with all that is in it. */
#include "tree.h"
#include "path.h"

#include <stdlib.h>
#include <wchar.h>

#define DEPTH_MAX 32u

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

void TreeRemove(const wchar_t *Folder) { RemoveTree(Folder, 0); }
