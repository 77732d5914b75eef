/*
 * inf.c - drivers that an .inf installs.
 *
 * Source: "Creating a new primitive driver", "DiInstallDriver" and "DiUninstallDriver" in the WDK reference:
 * from Windows 10 version 1903 on these install drivers that are tied to no hardware, too. Their library is
 * loaded when it is needed. Unproven: Wine has no driver store.
 */
#include "inf.h"
#include "facts.h"
#include "path.h"
#include "service.h"

#include <stdlib.h>
#include <wchar.h>

#define INF_CONFIG_BYTES 8192u

typedef BOOL WINAPI DI_DRIVER(HWND, LPCWSTR, DWORD, BOOL *);

BOOL InfCanInstall(void) { return WineVersion() == NULL; }

static DWORD Call(const char *Routine, const wchar_t *Inf)
{
    HMODULE library = LoadLibraryExW(L"newdev.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
    DWORD error = ERROR_NOT_SUPPORTED;
    BOOL reboot = FALSE;
    DI_DRIVER *routine;

    if (library == NULL)
        return GetLastError();
    routine = (DI_DRIVER *)(void (*)(void))GetProcAddress(library, Routine);
    if (routine != NULL)
        error = routine(NULL, Inf, 0, &reboot) ? ERROR_SUCCESS : GetLastError();
    FreeLibrary(library);
    return error == ERROR_SUCCESS && reboot ? ERROR_SUCCESS_REBOOT_REQUIRED : error;
}

BOOL ImageFile(const wchar_t *Image, wchar_t Path[MAX_PATH])
{
    static const wchar_t root[] = L"\\SystemRoot\\", objects[] = L"\\??\\";
    UINT length = 0;

    if (_wcsnicmp(Image, objects, ARRAYSIZE(objects) - 1) == 0) {
        Image += ARRAYSIZE(objects) - 1;
    } else if (Image[0] == L'\0' || Image[1] != L':') {
        if (_wcsnicmp(Image, root, ARRAYSIZE(root) - 1) == 0)
            Image += ARRAYSIZE(root) - 1;
        length = GetWindowsDirectoryW(Path, MAX_PATH - 1);
        if (length == 0 || length >= MAX_PATH - 1)
            return FALSE;
        Path[length++] = L'\\';
    }
    if (wcslen(Image) >= MAX_PATH - length)
        return FALSE;
    wcscpy(Path + length, Image);
    return TRUE;
}

static DWORD CheckImage(const wchar_t *Name, const UINT8 Sha256[SHA256_BYTES])
{
    union {
        QUERY_SERVICE_CONFIGW Config;
        UINT8 Bytes[INF_CONFIG_BYTES];
    } answer;
    UINT8 digest[SHA256_BYTES];
    wchar_t path[MAX_PATH], *opened;
    SC_HANDLE service;
    DWORD needed, error = ServiceOpen(Name, SERVICE_QUERY_CONFIG, &service);

    if (error != ERROR_SUCCESS)
        return error;
    if (!QueryServiceConfigW(service, &answer.Config, sizeof answer, &needed))
        error = GetLastError();
    CloseServiceHandle(service);
    if (error != ERROR_SUCCESS)
        return error;
    if (!ImageFile(answer.Config.lpBinaryPathName, path))
        return ERROR_INVALID_NAME;
    opened = PathOpen(path, &error);
    if (opened == NULL)
        return error;
    error = Sha256OfFile(opened, digest);
    free(opened);
    if (error == ERROR_SUCCESS && memcmp(digest, Sha256, sizeof digest) != 0)
        error = ERROR_CRC;
    return error;
}

DWORD InfInstall(const wchar_t *Inf, const wchar_t *Name, const UINT8 Sha256[SHA256_BYTES])
{
    DWORD error = Call("DiInstallDriverW", Inf);

    return error == ERROR_SUCCESS ? CheckImage(Name, Sha256) : error;
}

DWORD InfRemove(const wchar_t *Inf) { return Call("DiUninstallDriverW", Inf); }
