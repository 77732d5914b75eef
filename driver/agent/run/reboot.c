/* reboot.c - a guest that reboots in mid-case. */
#include "reboot.h"
#include "facts.h"
#include "path.h"
#include "stream.h"

#include <stdlib.h>
#include <winternl.h>

/* Of ntdll.dll; not in every kit's headers for user mode. */
NTSTATUS NTAPI NtOpenEvent(HANDLE *Event, ACCESS_MASK Access, OBJECT_ATTRIBUTES *Attributes);

#define POINT_MAGIC 0x54424552u /* "REBT" */
#define BOOTED_MS   20000u

#define POINT_SUFFIX L".reboot"

/* Planned, by an application that is being tested. */
#define REASON (SHTDN_REASON_MAJOR_APPLICATION | SHTDN_REASON_MINOR_MAINTENANCE | SHTDN_REASON_FLAG_PLANNED)

DWORD RebootPointSave(const wchar_t *Journal, const REBOOT_POINT *Point)
{
    REBOOT_POINT point = *Point;
    DWORD error = ERROR_NOT_ENOUGH_MEMORY;
    HANDLE file = INVALID_HANDLE_VALUE;
    wchar_t *path = PathWithSuffix(Journal, POINT_SUFFIX);

    if (path == NULL)
        return error;
    point.Magic = POINT_MAGIC;
    file = CreateFileW(path, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, FILE_FLAG_WRITE_THROUGH, NULL);
    if (file == INVALID_HANDLE_VALUE) {
        error = GetLastError();
    } else {
        error = WriteFully(file, &point, sizeof point);
        CloseHandle(file);
    }
    free(path);
    return error;
}

static DWORD ReadPoint(const wchar_t *Path, REBOOT_POINT *Point)
{
    UINT8 *data = NULL;
    size_t size = 0;
    DWORD error = ReadWholeFile(Path, sizeof *Point, &data, &size);

    if (error == ERROR_SUCCESS && size == sizeof *Point)
        memcpy(Point, data, size);
    if (error == ERROR_SUCCESS &&
        (size != sizeof *Point || Point->Magic != POINT_MAGIC || Point->Boot[BOOT_ID_CHARS] != '\0'))
        error = ERROR_INVALID_DATA;
    free(data);
    return error;
}

/* A guest that goes down may start a service yet. */
static DWORD CheckRebooted(const REBOOT_POINT *Point)
{
    char boot[BOOT_ID_CHARS + 1];
    DWORD error = BootId(boot);

    return error == ERROR_SUCCESS && strcmp(boot, Point->Boot) == 0 ? ERROR_NOT_READY : error;
}

DWORD RebootPointTake(const wchar_t *Journal, REBOOT_POINT *Point)
{
    DWORD error = ERROR_NOT_ENOUGH_MEMORY;
    wchar_t *path = PathWithSuffix(Journal, POINT_SUFFIX);

    if (path == NULL)
        return error;
    error = ReadPoint(path, Point);
    if (error == ERROR_SUCCESS)
        error = CheckRebooted(Point);
    if (error == ERROR_SUCCESS && !DeleteFileW(path))
        error = GetLastError();
    free(path);
    return error;
}

void RebootPointForget(const wchar_t *Journal)
{
    wchar_t *path = PathWithSuffix(Journal, POINT_SUFFIX);

    if (path != NULL)
        (void)DeleteFileW(path);
    free(path);
}

static DWORD TakePrivilege(void)
{
    TOKEN_PRIVILEGES privileges = {.PrivilegeCount = 1};
    DWORD error = ERROR_SUCCESS;
    HANDLE token;

    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_ADJUST_PRIVILEGES | TOKEN_QUERY, &token))
        return GetLastError();
    privileges.Privileges[0].Attributes = SE_PRIVILEGE_ENABLED;
    if (!LookupPrivilegeValueW(NULL, L"SeShutdownPrivilege", &privileges.Privileges[0].Luid) ||
        !AdjustTokenPrivileges(token, FALSE, &privileges, 0, NULL, NULL))
        error = GetLastError();
    CloseHandle(token);
    return error;
}

/*
 * Wine's services start while its wineboot.exe is still at work, and a second one beside that one leaves a
 * guest that is half down. The event is set when it is done.
 */
static void AwaitWineBooted(void)
{
    wchar_t text[] = L"\\KernelObjects\\__wineboot_event";
    UNICODE_STRING name = {
        .Buffer = text, .Length = sizeof text - sizeof *text, .MaximumLength = sizeof text};
    OBJECT_ATTRIBUTES attributes;
    HANDLE booted;

    InitializeObjectAttributes(&attributes, &name, 0, NULL, NULL);
    if (NtOpenEvent(&booted, SYNCHRONIZE, &attributes) < 0)
        return;
    (void)WaitForSingleObject(booted, BOOTED_MS);
    CloseHandle(booted);
}

/*
 * Wine's InitiateSystemShutdownEx does nothing, and its ExitWindowsEx first asks every window, 5 s long
 * where one does not answer. This ends every process of the guest, as both would in the end. Were it told to
 * reboot, it would start the services anew, in the same boot, unless the guest's end is faster.
 */
static DWORD OrderWine(void)
{
    wchar_t line[] = L"wineboot.exe --kill --force --shutdown";
    STARTUPINFOW startup = {.cb = sizeof startup};
    PROCESS_INFORMATION process;

    AwaitWineBooted();
    if (!CreateProcessW(NULL, line, NULL, NULL, FALSE, DETACHED_PROCESS, NULL, NULL, &startup, &process))
        return GetLastError();
    CloseHandle(process.hThread);
    CloseHandle(process.hProcess);
    return ERROR_SUCCESS;
}

DWORD RebootOrder(void)
{
    DWORD error;

    if (WineVersion() != NULL)
        return OrderWine();
    error = TakePrivilege();
    if (error == ERROR_SUCCESS && !InitiateSystemShutdownExW(NULL, NULL, 0, TRUE, TRUE, REASON))
        error = GetLastError();
    return error;
}
