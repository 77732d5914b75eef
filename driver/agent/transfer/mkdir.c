/* mkdir.c - `mkdir`: makes folders, for the empty ones of a tree: `put` makes those that have files. */
#include "commands.h"
#include "complain.h"
#include "path.h"
#include "request.h"

#include <stdlib.h>

/* Makes the folder at Path, and those above it; done when it is there. */
static DWORD MakeOneFolder(const wchar_t *Path)
{
    DWORD attributes, error;
    wchar_t *inside = PathWithSuffix(Path, L"\\");

    if (inside == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    error = PathMakeFolders(inside);
    free(inside);
    if (error != ERROR_SUCCESS)
        return error;
    attributes = GetFileAttributesW(Path);
    if (attributes == INVALID_FILE_ATTRIBUTES)
        return GetLastError();
    return (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0 ? ERROR_SUCCESS : ERROR_DIRECTORY;
}

static int MakeAll(const MANIFEST *Manifest, HANDLE Out, FRAME *Frame)
{
    (void)Frame; /* each answer is a header alone */
    for (UINT32 i = 0; i < Manifest->Count; i++) {
        const wchar_t *path = Manifest->File[i].Path;
        DWORD error = MakeOneFolder(path);

        if (error != ERROR_SUCCESS)
            return FrameSendError(Out, (UINT16)i, error, "make the folder", PathPlain(path),
                                  error == ERROR_DIRECTORY ? "a file of this name is in its place" : NULL);
        error = FrameSendSmall(Out, FRAME_HAVE, (UINT16)i, 0, NULL, 0);
        if (error != ERROR_SUCCESS)
            return Complain("tell about", PathPlain(path), error);
    }
    return EXIT_DONE;
}

int CommandMkdir(int Argc, wchar_t **Argv)
{
    (void)Argv;
    return RequestServe("make folders", Argc, MakeAll);
}
