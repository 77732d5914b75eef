/* bootfile.c - the copy of a driver that starts with the boot loader. */
#include "bootfile.h"

#include <wchar.h>

#define FOLDER       L"\\System32\\drivers\\"
#define SUFFIX       L".sys"
#define SUFFIX_CHARS 4u

/* Root\System32\drivers\Service-Rest */
static BOOL Compose(wchar_t Path[MAX_PATH], const wchar_t *Root, const wchar_t *Service, const wchar_t *Rest)
{
    return swprintf(Path, MAX_PATH, L"%ls%ls%ls-%ls", Root, FOLDER, Service, Rest) > 0;
}

static BOOL ComposeHere(wchar_t Path[MAX_PATH], const wchar_t *Service, const wchar_t *Rest)
{
    wchar_t windows[MAX_PATH];
    UINT length = GetSystemWindowsDirectoryW(windows, MAX_PATH);

    return length != 0 && length < MAX_PATH && Compose(Path, windows, Service, Rest);
}

static void NameOf(const char *Boot, wchar_t Name[BOOT_ID_CHARS + SUFFIX_CHARS + 1])
{
    for (unsigned i = 0; i < BOOT_ID_CHARS; i++)
        Name[i] = (wchar_t)(UINT8)Boot[i];
    wcscpy(Name + BOOT_ID_CHARS, SUFFIX);
}

BOOL BootFilePath(const wchar_t *Service, const char *Boot, wchar_t Path[MAX_PATH])
{
    wchar_t name[BOOT_ID_CHARS + SUFFIX_CHARS + 1];

    NameOf(Boot, name);
    return ComposeHere(Path, Service, name);
}

DWORD BootFileMake(const wchar_t *Service, const char *Boot, const wchar_t *Driver,
                   wchar_t ImagePath[MAX_PATH])
{
    wchar_t name[BOOT_ID_CHARS + SUFFIX_CHARS + 1], path[MAX_PATH];

    NameOf(Boot, name);
    if (!ComposeHere(path, Service, name) || !Compose(ImagePath, L"\\SystemRoot", Service, name))
        return ERROR_FILENAME_EXCED_RANGE;
    return CopyFileW(Driver, path, FALSE) ? ERROR_SUCCESS : GetLastError();
}

/* Is it the end of a copy's name, and not that of another driver that happens to begin like the service? */
static BOOL IsCopy(const wchar_t *Rest)
{
    return wcslen(Rest) == BOOT_ID_CHARS + SUFFIX_CHARS && BootIdIs(Rest) &&
           _wcsicmp(Rest + BOOT_ID_CHARS, SUFFIX) == 0;
}

void BootFilesDelete(const wchar_t *Service)
{
    WIN32_FIND_DATAW found;
    wchar_t path[MAX_PATH];
    HANDLE search;

    if (!ComposeHere(path, Service, L"*" SUFFIX))
        return;
    search = FindFirstFileW(path, &found);
    if (search == INVALID_HANDLE_VALUE)
        return;
    do {
        const wchar_t *rest = found.cFileName + wcslen(Service) + 1;

        if (wcslen(found.cFileName) <= wcslen(Service) || !IsCopy(rest) || !ComposeHere(path, Service, rest))
            continue;
        if (!DeleteFileW(path))
            (void)MoveFileExW(path, NULL, MOVEFILE_DELAY_UNTIL_REBOOT);
    } while (FindNextFileW(search, &found));
    FindClose(search);
}
