/* space.c - room on the volumes of the guest. */
#include "space.h"
#include "path.h"

#include <wchar.h>

DWORD SpaceFree(const wchar_t *Path, UINT64 *Bytes)
{
    wchar_t folder[PATH_PREFIX_CHARS + PATH_CHARS_MAX + 1];
    size_t length = wcslen(Path);
    ULARGE_INTEGER available;

    *Bytes = 0;
    if (length >= ARRAYSIZE(folder))
        return ERROR_BAD_PATHNAME;
    wcscpy(folder, Path);
    for (;;) {
        while (length != 0 && folder[length - 1] != L'\\')
            length--;
        if (length == 0)
            return ERROR_PATH_NOT_FOUND;
        folder[length] = L'\0';
        if (GetDiskFreeSpaceExW(folder, &available, NULL, NULL)) {
            *Bytes = available.QuadPart;
            return ERROR_SUCCESS;
        }
        if (GetLastError() != ERROR_PATH_NOT_FOUND && GetLastError() != ERROR_FILE_NOT_FOUND)
            return GetLastError();
        length--;
    }
}

BOOL SpaceIsUp(DWORD Win32) { return Win32 == ERROR_DISK_FULL || Win32 == ERROR_HANDLE_DISK_FULL; }

void TextAddSpace(TEXT *Text, const wchar_t *Path, UINT64 Needed)
{
    UINT64 available;
    DWORD error = SpaceFree(Path, &available);

    TextAdd(Text, "the volume is full: it has ");
    if (error == ERROR_SUCCESS)
        TextAddU64(Text, available);
    else
        TextAdd(Text, "an unknown number of");
    TextAdd(Text, " bytes free, and at least ");
    TextAddU64(Text, Needed);
    TextAdd(Text, " more are needed; make room there");
}
