/* path.c - checking paths and making folders. */
#include "path.h"
#include "security.h"

#include <stdlib.h>
#include <wchar.h>

#define HOME_FOLDER L"C:\\wskharness"

static BOOL IsLetter(wchar_t Char)
{
    return (Char >= L'A' && Char <= L'Z') || (Char >= L'a' && Char <= L'z');
}

/* Is this component, up to its first dot, one of the names that DOS keeps for devices? */
static BOOL IsDeviceName(const wchar_t *Component, size_t Length)
{
    static const wchar_t *const names[] = {L"CON", L"PRN", L"AUX", L"NUL", L"CONIN$", L"CONOUT$"};
    size_t stem = 0;

    while (stem < Length && Component[stem] != L'.')
        stem++;
    while (stem != 0 && Component[stem - 1] == L' ')
        stem--;
    for (size_t i = 0; i < ARRAYSIZE(names); i++) {
        if (wcslen(names[i]) == stem && _wcsnicmp(Component, names[i], stem) == 0)
            return TRUE;
    }
    if (stem != 4 || (_wcsnicmp(Component, L"COM", 3) != 0 && _wcsnicmp(Component, L"LPT", 3) != 0))
        return FALSE;
    /* The superscript digits count as well. */
    return (Component[3] >= L'0' && Component[3] <= L'9') || Component[3] == 0xB9 || Component[3] == 0xB2 ||
           Component[3] == 0xB3;
}

static BOOL ComponentIsPlain(const wchar_t *Component, size_t Length)
{
    if (Length == 0 || Length > 255)
        return FALSE;
    for (size_t i = 0; i < Length; i++) {
        if (Component[i] < 0x20 || wcschr(L"<>:\"/\\|?*", Component[i]) != NULL)
            return FALSE;
    }
    /* This refuses "." and ".." too. */
    if (Component[Length - 1] == L'.' || Component[Length - 1] == L' ')
        return FALSE;
    return !IsDeviceName(Component, Length);
}

static BOOL PathIsPlain(const wchar_t *Path)
{
    const wchar_t *component = Path + 3;

    if (!IsLetter(Path[0]) || Path[1] != L':' || Path[2] != L'\\')
        return FALSE;
    for (;;) {
        size_t length = wcscspn(component, L"\\");

        if (!ComponentIsPlain(component, length))
            return FALSE;
        if (component[length] == L'\0')
            return TRUE;
        component += length + 1;
    }
}

wchar_t *PathOpen(const wchar_t *Path, DWORD *Error)
{
    wchar_t *opened;
    size_t length = wcslen(Path);

    *Error = ERROR_BAD_PATHNAME;
    if (length > PATH_CHARS_MAX)
        return NULL;
    opened = malloc((PATH_PREFIX_CHARS + length + 1) * sizeof *opened);
    if (opened == NULL) {
        *Error = ERROR_NOT_ENOUGH_MEMORY;
        return NULL;
    }
    memcpy(opened, PATH_PREFIX, PATH_PREFIX_CHARS * sizeof *opened);
    for (size_t i = 0; i <= length; i++)
        opened[PATH_PREFIX_CHARS + i] = Path[i] == L'/' ? L'\\' : Path[i];
    if (!PathIsPlain(opened + PATH_PREFIX_CHARS)) {
        free(opened);
        return NULL;
    }
    *Error = ERROR_SUCCESS;
    return opened;
}

wchar_t *PathOpenUtf8(const char *Path, size_t Bytes, DWORD *Error)
{
    wchar_t utf16[PATH_CHARS_MAX + 1];
    int length;

    *Error = ERROR_BAD_PATHNAME;
    if (Bytes == 0 || Bytes > 3 * PATH_CHARS_MAX || memchr(Path, '\0', Bytes) != NULL)
        return NULL;
    length = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, Path, (int)Bytes, utf16, PATH_CHARS_MAX);
    if (length <= 0)
        return NULL;
    utf16[length] = L'\0';
    return PathOpen(utf16, Error);
}

const wchar_t *PathPlain(const wchar_t *Opened) { return Opened + PATH_PREFIX_CHARS; }

wchar_t *PathWithSuffix(const wchar_t *Opened, const wchar_t *Suffix)
{
    size_t length = wcslen(Opened), suffix = wcslen(Suffix);
    wchar_t *path = malloc((length + suffix + 1) * sizeof *path);

    if (path != NULL) {
        memcpy(path, Opened, length * sizeof *path);
        memcpy(path + length, Suffix, (suffix + 1) * sizeof *path);
    }
    return path;
}

wchar_t *PathJoin(const wchar_t *Folder, const wchar_t *Name)
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

static DWORD MakeHomeFolder(const wchar_t *Folder)
{
    ADMIN_ONLY security;
    DWORD error = AdminOnlyInit(&security);

    if (error != ERROR_SUCCESS)
        return error;
    if (!CreateDirectoryW(Folder, &security.Attributes))
        error = GetLastError();
    AdminOnlyFree(&security);
    return error;
}

static DWORD MakeFolder(const wchar_t *Folder)
{
    if (_wcsicmp(PathPlain(Folder), HOME_FOLDER) == 0)
        return MakeHomeFolder(Folder);
    return CreateDirectoryW(Folder, NULL) ? ERROR_SUCCESS : GetLastError();
}

DWORD PathMakeFolders(const wchar_t *Opened)
{
    DWORD error = ERROR_SUCCESS;
    wchar_t *path = PathWithSuffix(Opened, L"");
    wchar_t *end;

    if (path == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    end = path + PATH_PREFIX_CHARS + 3;
    while (error == ERROR_SUCCESS && (end = wcschr(end, L'\\')) != NULL) {
        *end = L'\0';
        error = MakeFolder(path);
        if (error == ERROR_ALREADY_EXISTS)
            error = ERROR_SUCCESS;
        *end++ = L'\\';
    }
    free(path);
    return error;
}
