/*
 * remove.c - `remove`: takes one thing of the harness's own out of the guest, and nothing that is not.
 *
 * Devices: unproven on Windows, where they come of an .inf.
 */
#include "commands.h"
#include "complain.h"
#include "driver.h"
#include "image.h"
#include "lease.h"
#include "left.h"
#include "options.h"
#include "path.h"
#include "tree.h"

#include <stdlib.h>
#include <wchar.h>

#define REMOVE_STOP_MS 20000u
#define GONE_MS        5000u
#define GONE_POLL_MS   10u

/* A program's service that runs is stopped. */
static DWORD StopProgram(SC_HANDLE Service)
{
    SERVICE_STATUS status;
    SERVICE_REPORT report = {0};
    DWORD error = ServiceSettle(Service, REMOVE_STOP_MS, &report);

    if (error != ERROR_SUCCESS || report.State == SERVICE_STOPPED)
        return error;
    if (!ControlService(Service, SERVICE_CONTROL_STOP, &status))
        return GetLastError() == ERROR_SERVICE_NOT_ACTIVE ? ERROR_SUCCESS : GetLastError();
    error = ServiceSettle(Service, REMOVE_STOP_MS, &report);
    return error == ERROR_SUCCESS && report.State != SERVICE_STOPPED ? ERROR_TIMEOUT : error;
}

static DWORD RemoveProgram(const wchar_t *Name)
{
    SC_HANDLE service;
    DWORD error = ServiceOpen(Name, SERVICE_STOP | SERVICE_QUERY_STATUS | DELETE, &service);

    if (error != ERROR_SUCCESS)
        return error;
    error = StopProgram(service);
    if (error == ERROR_SUCCESS && !DeleteService(service) &&
        GetLastError() != ERROR_SERVICE_MARKED_FOR_DELETE)
        error = GetLastError();
    CloseServiceHandle(service);
    return error;
}

/* A key that the manager does not know of, as after a crash, is no service any more. */
static DWORD RemoveService(const wchar_t *Name, const wchar_t *Driver)
{
    wchar_t key[LEFT_KEY_CHARS] = LEFT_SERVICES L"\\";
    UINT64 deadline;
    DWORD error;

    if (!LeftIsService(Name, Driver))
        return ERROR_SERVICE_DOES_NOT_EXIST;
    error = ServiceNameValid(Name) ? DriverStop(Name, REMOVE_STOP_MS) : ERROR_NOT_A_DRIVER;
    if (error == ERROR_SUCCESS)
        error = DriverRemove(Name);
    else if (error == ERROR_NOT_A_DRIVER)
        error = RemoveProgram(Name);
    wcsncat(key, Name, ARRAYSIZE(key) - wcslen(key) - 1);
    if (error == ERROR_SERVICE_DOES_NOT_EXIST)
        error = ERROR_SUCCESS;
    if (error != ERROR_SUCCESS)
        return error;
    /* It goes when the last handle to it is closed. */
    for (deadline = GetTickCount64() + GONE_MS; LeftHasKey(key); Sleep(GONE_POLL_MS)) {
        SERVICE_REPORT report;

        if (DriverQuery(Name, &report) == ERROR_SUCCESS && report.State == SERVICE_ABSENT)
            return (DWORD)RegDeleteTreeW(HKEY_LOCAL_MACHINE, key);
        if (GetTickCount64() >= deadline)
            return ERROR_SERVICE_MARKED_FOR_DELETE;
    }
    return ERROR_SUCCESS;
}

/* SP_DEVINFO_DATA and DIF_REMOVE of setupapi.h, which needs more of windows.h than the agent has. */
typedef struct DEVICE_INFO {
    DWORD Size;
    GUID Class;
    DWORD Instance;
    ULONG_PTR Reserved;
} DEVICE_INFO;

#define CLASS_REMOVE 5u

/* Source: "Device installation functions" in the WDK reference. The library is loaded when it is needed. */
static DWORD RemoveDevice(const wchar_t *Id)
{
    typedef HANDLE WINAPI CREATE(const GUID *, HWND);
    typedef BOOL WINAPI OPEN(HANDLE, const wchar_t *, HWND, DWORD, DEVICE_INFO *);
    typedef BOOL WINAPI CALL(UINT, HANDLE, DEVICE_INFO *);
    typedef BOOL WINAPI DESTROY(HANDLE);
    HMODULE library = LoadLibraryExW(L"setupapi.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
    DEVICE_INFO device = {.Size = sizeof device};
    HANDLE set = INVALID_HANDLE_VALUE;
    DWORD error = ERROR_PROC_NOT_FOUND;
    DESTROY *destroy;
    CREATE *create;
    OPEN *open;
    CALL *call;

    if (library == NULL)
        return GetLastError();
    create = (CREATE *)(void (*)(void))GetProcAddress(library, "SetupDiCreateDeviceInfoList");
    open = (OPEN *)(void (*)(void))GetProcAddress(library, "SetupDiOpenDeviceInfoW");
    call = (CALL *)(void (*)(void))GetProcAddress(library, "SetupDiCallClassInstaller");
    destroy = (DESTROY *)(void (*)(void))GetProcAddress(library, "SetupDiDestroyDeviceInfoList");
    if (create != NULL && open != NULL && call != NULL && destroy != NULL) {
        set = create(NULL, NULL);
        error =
            set != INVALID_HANDLE_VALUE && open(set, Id, NULL, 0, &device) && call(CLASS_REMOVE, set, &device)
                ? ERROR_SUCCESS
                : GetLastError();
        if (set != INVALID_HANDLE_VALUE)
            (void)destroy(set);
    }
    FreeLibrary(library);
    return error;
}

/* The agent that runs can't be removed, nor can what it is in. */
static BOOL HoldsAgent(const wchar_t *Path)
{
    wchar_t image[PATH_CHARS_MAX + 1];
    size_t length = wcslen(PathPlain(Path));

    return ImagePath(image, ARRAYSIZE(image)) != ERROR_SUCCESS ||
           (_wcsnicmp(image, PathPlain(Path), length) == 0 &&
            (image[length] == L'\\' || image[length] == L'\0'));
}

static DWORD RemoveFile(const wchar_t *Name)
{
    wchar_t path[LEFT_KEY_CHARS] = L"C:\\wskharness\\", *opened;
    DWORD attributes, error;

    if (wcslen(path) + wcslen(Name) >= ARRAYSIZE(path) || *Name == L'\0' || *Name == L'\\' || *Name == L'/')
        return ERROR_INVALID_NAME;
    wcscat(path, Name);
    opened = PathOpen(path, &error);
    if (opened == NULL)
        return error;
    attributes = GetFileAttributesW(opened);
    if (HoldsAgent(opened)) {
        error = ERROR_SHARING_VIOLATION;
    } else if (attributes == INVALID_FILE_ATTRIBUTES) {
        error = GetLastError();
    } else if ((attributes & FILE_ATTRIBUTE_DIRECTORY) == 0) {
        if ((attributes & FILE_ATTRIBUTE_READONLY) != 0)
            (void)SetFileAttributesW(opened, FILE_ATTRIBUTE_NORMAL);
        error = DeleteFileW(opened) ? ERROR_SUCCESS : GetLastError();
    } else if ((attributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0) {
        error = RemoveDirectoryW(opened) ? ERROR_SUCCESS : GetLastError();
    } else {
        TreeRemove(opened);
        error = GetFileAttributesW(opened) == INVALID_FILE_ATTRIBUTES ? ERROR_SUCCESS : ERROR_DIR_NOT_EMPTY;
    }
    free(opened);
    return error;
}

static DWORD RemoveCertificate(const wchar_t *Name)
{
    wchar_t key[LEFT_KEY_CHARS];

    return LeftCertificateKey(Name, key) ? (DWORD)RegDeleteTreeW(HKEY_LOCAL_MACHINE, key)
                                         : ERROR_INVALID_NAME;
}

int CommandRemove(int Argc, wchar_t **Argv)
{
    const wchar_t *kind = NULL, *driver = NULL, *lease = NULL, *name = NULL;
    const OPTION options[] = {{.Name = L"--kind", .Value = &kind},
                              {.Name = L"--driver", .Value = &driver},
                              {.Name = L"--lease", .Value = &lease},
                              {.Value = &name}};
    DWORD error;
    int code;

    if (!OptionsParse(Argc, Argv, options, ARRAYSIZE(options)) || kind == NULL || name == NULL)
        return EXIT_USAGE;
    code = LeaseAdmit(lease, "remove what is left");
    if (code != EXIT_DONE)
        return code;
    if (wcscmp(kind, L"service") == 0)
        error = RemoveService(name, driver);
    else if (wcscmp(kind, L"device") == 0)
        error = LeftIsDevice(name, driver) ? RemoveDevice(name) : ERROR_NOT_FOUND;
    else if (wcscmp(kind, L"file") == 0)
        error = RemoveFile(name);
    else if (wcscmp(kind, L"certificate") == 0)
        error = RemoveCertificate(name);
    else
        return EXIT_USAGE;
    return error == ERROR_SUCCESS ? EXIT_DONE : Complain("remove", name, error);
}
