/* genericpath.c - the paths of steps: what they count from, and where a file is found. */
#include "genericpath.h"
#include "path.h"

#include <stdlib.h>

BOOL HasDrive(const wchar_t *Path) { return Path[0] != L'\0' && Path[1] == L':'; }

wchar_t *GenericPath(const wchar_t *Folder, const wchar_t *Path, DWORD *Error)
{
    wchar_t *joined, *opened;

    *Error = ERROR_INVALID_NAME;
    if (Path == NULL)
        return NULL;
    if (HasDrive(Path))
        return PathOpen(Path, Error);
    joined = PathJoin(PathPlain(Folder), Path);
    if (joined == NULL) {
        *Error = ERROR_NOT_ENOUGH_MEMORY;
        return NULL;
    }
    opened = PathOpen(joined, Error);
    free(joined);
    return opened;
}

wchar_t *GenericFind(const STEP_RUN *Run, const wchar_t *Path, DWORD *Error)
{
    wchar_t *own = GenericPath(Run->Folders.Work, Path, Error), *suite;
    DWORD error;

    if (own == NULL || Run->Folders.Suite == NULL || GetFileAttributesW(own) != INVALID_FILE_ATTRIBUTES)
        return own;
    suite = GenericPath(Run->Folders.Suite, Path, &error);
    if (suite == NULL || GetFileAttributesW(suite) == INVALID_FILE_ATTRIBUTES) {
        free(suite);
        return own;
    }
    free(own);
    return suite;
}
