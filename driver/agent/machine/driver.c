/* driver.c - kernel services. */
#include "driver.h"
#include "bounded.h"
#include "wskabi.h"

#include <wchar.h>

/*
 * 1053 can also mean that DriverEntry crashed the process that Wine gives a driver: that is not to be
 * repeated more often than a manager that is still coming up needs.
 */
#define START_RETRIES_MAX 1u

#define STOPPED_POLL_MS 20u
#define ASK_MS          5000u

/*
 * A manager that is coming up says 1053 at once; Wine's says it after 30 s, too, of a driver whose
 * DriverEntry has not returned.
 */
#define SLOW_START_MS 10000u

/* Long enough for the largest answer that QueryServiceConfig gives. */
#define SERVICE_CONFIG_BYTES 8192u

typedef struct DRIVER_CALL {
    wchar_t Name[SERVICE_NAME_CHARS_MAX + 1];
    DWORD TimeoutMs;
} DRIVER_CALL;

DWORD DriverEntryStatus(const wchar_t *Name)
{
    wchar_t key[SERVICE_KEY_CHARS];
    DWORD status, size = sizeof status;

    ServiceKey(Name, key);
    if (RegGetValueW(HKEY_LOCAL_MACHINE, key, WSKT_ENTRY_STATUS_VALUE, RRF_RT_REG_DWORD, NULL, &status,
                     &size) != ERROR_SUCCESS)
        return 0;
    return status;
}

DWORD DriverSetValue(const wchar_t *Name, const wchar_t *Value, DWORD Type, const void *Data, DWORD Bytes)
{
    wchar_t key[SERVICE_KEY_CHARS];

    ServiceKey(Name, key);
    return (DWORD)RegSetKeyValueW(HKEY_LOCAL_MACHINE, key, Value, Type, Data, Bytes);
}

DWORD DriverForgetValue(const wchar_t *Name, const wchar_t *Value)
{
    wchar_t key[SERVICE_KEY_CHARS];
    DWORD error;

    ServiceKey(Name, key);
    error = (DWORD)RegDeleteKeyValueW(HKEY_LOCAL_MACHINE, key, Value);
    return error == ERROR_FILE_NOT_FOUND ? ERROR_SUCCESS : error;
}

DWORD DriverGetBinary(const wchar_t *Name, const wchar_t *Value, void *Data, DWORD Bytes)
{
    wchar_t key[SERVICE_KEY_CHARS];
    DWORD error, size = Bytes;

    ServiceKey(Name, key);
    error = (DWORD)RegGetValueW(HKEY_LOCAL_MACHINE, key, Value, RRF_RT_REG_BINARY, NULL, Data, &size);
    if (error == ERROR_MORE_DATA || error == ERROR_UNSUPPORTED_TYPE ||
        (error == ERROR_SUCCESS && size != Bytes))
        error = ERROR_INVALID_DATA;
    return error;
}

DWORD DriverForgetLastLife(const wchar_t *Name)
{
    DWORD error = DriverForgetValue(Name, WSKT_ENTRY_STATUS_VALUE);

    return error == ERROR_SUCCESS ? DriverForgetValue(Name, WSKT_UNLOAD_VALUE) : error;
}

static DWORD CheckIsDriver(SC_HANDLE Service)
{
    union {
        QUERY_SERVICE_CONFIGW Config;
        UINT8 Bytes[SERVICE_CONFIG_BYTES];
    } answer;
    DWORD needed;

    if (!QueryServiceConfigW(Service, &answer.Config, sizeof answer, &needed))
        return GetLastError();
    return answer.Config.dwServiceType == SERVICE_KERNEL_DRIVER ? ERROR_SUCCESS : ERROR_NOT_A_DRIVER;
}

/* Opens a kernel service, and nothing else that has the name. */
static DWORD OpenKernelService(const wchar_t *Name, DWORD Access, SC_HANDLE *Service)
{
    DWORD error = ServiceOpen(Name, Access | SERVICE_QUERY_CONFIG | SERVICE_QUERY_STATUS, Service);

    if (error != ERROR_SUCCESS)
        return error;
    error = CheckIsDriver(*Service);
    if (error != ERROR_SUCCESS) {
        CloseServiceHandle(*Service);
        *Service = NULL;
    }
    return error;
}

DWORD DriverSetStart(const wchar_t *Name, DWORD StartType, const wchar_t *Path)
{
    SC_HANDLE service;
    DWORD error = OpenKernelService(Name, SERVICE_CHANGE_CONFIG, &service);

    if (error != ERROR_SUCCESS)
        return error;
    if (!ChangeServiceConfigW(service, SERVICE_KERNEL_DRIVER, StartType, SERVICE_ERROR_NORMAL, Path, NULL,
                              NULL, NULL, NULL, NULL, NULL))
        error = GetLastError();
    CloseServiceHandle(service);
    return error;
}

DWORD DriverInstall(const wchar_t *Name, const wchar_t *Path)
{
    SC_HANDLE scm, service;
    DWORD error = ScmOpen(SC_MANAGER_CREATE_SERVICE, &scm);

    if (error != ERROR_SUCCESS)
        return error;
    service = CreateServiceW(scm, Name, NULL, SERVICE_QUERY_STATUS, SERVICE_KERNEL_DRIVER,
                             SERVICE_DEMAND_START, SERVICE_ERROR_NORMAL, Path, NULL, NULL, NULL, NULL, NULL);
    if (service == NULL)
        error = GetLastError();
    else
        CloseServiceHandle(service);
    CloseServiceHandle(scm);
    /* An existing one is made what it would have been. */
    return error == ERROR_SERVICE_EXISTS ? DriverSetStart(Name, SERVICE_DEMAND_START, Path) : error;
}

/* The manager has given up on a DriverEntry, which may yet return in its time: ERROR_TIMEOUT where it does
 * not. */
static DWORD AwaitRunning(SC_HANDLE Service, UINT64 Deadline)
{
    SERVICE_REPORT report = {0};

    for (;;) {
        DWORD error = ServiceQuery(Service, &report);

        if (error != ERROR_SUCCESS || report.State == SERVICE_RUNNING)
            return error;
        if (GetTickCount64() >= Deadline)
            return ERROR_TIMEOUT;
        Sleep(STOPPED_POLL_MS);
    }
}

/* On a thread of its own: the manager returns when DriverEntry does. */
static DWORD StartRoutine(void *Context)
{
    const DRIVER_CALL *call = Context;
    UINT64 begin = GetTickCount64();
    SERVICE_REPORT report = {0};
    SC_HANDLE service;
    DWORD retries, error = OpenKernelService(call->Name, SERVICE_START, &service);

    if (error != ERROR_SUCCESS)
        return error;
    error = ServiceStart(service, START_RETRIES_MAX, &retries);
    if (error == ERROR_SERVICE_REQUEST_TIMEOUT && GetTickCount64() - begin >= SLOW_START_MS) {
        error = AwaitRunning(service, begin + call->TimeoutMs);
        CloseServiceHandle(service);
        return error;
    }
    /* Wine's manager returns before DriverEntry has; what became of it is in the state. */
    if (error == ERROR_SUCCESS)
        error = ServiceSettle(service, call->TimeoutMs, &report);
    if (error == ERROR_SUCCESS && report.State != SERVICE_RUNNING)
        error = report.ExitCode != ERROR_SUCCESS ? report.ExitCode : ERROR_SERVICE_NOT_ACTIVE;
    CloseServiceHandle(service);
    return error;
}

DWORD DriverStart(const wchar_t *Name, DWORD TimeoutMs)
{
    DRIVER_CALL call = {.TimeoutMs = TimeoutMs};
    DWORD error = DriverForgetLastLife(Name);

    if (error != ERROR_SUCCESS)
        return error == ERROR_PATH_NOT_FOUND ? ERROR_SERVICE_DOES_NOT_EXIST : error;
    wcsncpy(call.Name, Name, SERVICE_NAME_CHARS_MAX);
    return BoundedCall(StartRoutine, &call, sizeof call, TimeoutMs);
}

/* Wine's manager gives up on a DriverUnload after 10 s, which goes on nevertheless. */
static DWORD AwaitStopped(SC_HANDLE Service, DWORD TimeoutMs, SERVICE_REPORT *Report)
{
    UINT64 deadline = GetTickCount64() + TimeoutMs;
    DWORD error;

    while ((error = ServiceQuery(Service, Report)) == ERROR_SUCCESS && Report->State != SERVICE_STOPPED) {
        if (GetTickCount64() >= deadline)
            return ERROR_TIMEOUT;
        Sleep(STOPPED_POLL_MS);
    }
    return error;
}

/* On a thread of its own: the manager returns when DriverUnload does. */
static DWORD StopRoutine(void *Context)
{
    const DRIVER_CALL *call = Context;
    SERVICE_REPORT report = {0};
    SERVICE_STATUS status;
    SC_HANDLE service;
    DWORD error = OpenKernelService(call->Name, SERVICE_STOP, &service);

    if (error != ERROR_SUCCESS)
        return error == ERROR_SERVICE_DOES_NOT_EXIST ? ERROR_SUCCESS : error;
    if (!ControlService(service, SERVICE_CONTROL_STOP, &status))
        error = GetLastError();
    /* Stopped already, or about to be. */
    if (error == ERROR_SERVICE_NOT_ACTIVE || error == ERROR_SERVICE_CANNOT_ACCEPT_CTRL)
        error = ERROR_SUCCESS;
    if (error == ERROR_SERVICE_REQUEST_TIMEOUT)
        error = AwaitStopped(service, call->TimeoutMs, &report);
    else if (error == ERROR_SUCCESS)
        error = ServiceSettle(service, call->TimeoutMs, &report);
    /* Wine's manager takes the order of a driver without Unload, which then runs on; Windows refuses it. */
    if (error == ERROR_SUCCESS && report.State != SERVICE_STOPPED)
        error = ERROR_INVALID_SERVICE_CONTROL;
    CloseServiceHandle(service);
    return error;
}

DWORD DriverStop(const wchar_t *Name, DWORD TimeoutMs)
{
    DRIVER_CALL call = {.TimeoutMs = TimeoutMs};

    wcsncpy(call.Name, Name, SERVICE_NAME_CHARS_MAX);
    return BoundedCall(StopRoutine, &call, sizeof call, TimeoutMs);
}

DWORD DriverRemove(const wchar_t *Name)
{
    SC_HANDLE service;
    DWORD error = OpenKernelService(Name, DELETE, &service);

    if (error == ERROR_SERVICE_DOES_NOT_EXIST)
        return ERROR_SUCCESS;
    if (error != ERROR_SUCCESS)
        return error;
    if (!DeleteService(service))
        error = GetLastError();
    CloseServiceHandle(service);
    return error;
}

DWORD DriverQuery(const wchar_t *Name, SERVICE_REPORT *Report)
{
    SC_HANDLE service;
    DWORD error = OpenKernelService(Name, 0, &service);

    *Report = (SERVICE_REPORT){.State = SERVICE_ABSENT};
    if (error == ERROR_SERVICE_DOES_NOT_EXIST)
        return ERROR_SUCCESS;
    if (error != ERROR_SUCCESS)
        return error;
    error = ServiceQuery(service, Report);
    CloseServiceHandle(service);
    return error;
}

/* On a thread of its own: the host of a driver may be busy with another, for as long as that takes. */
static DWORD AskRoutine(void *Context)
{
    const DRIVER_CALL *call = Context;
    SERVICE_STATUS status;
    SC_HANDLE service;
    DWORD error = OpenKernelService(call->Name, SERVICE_INTERROGATE, &service);

    if (error != ERROR_SUCCESS)
        return error;
    if (!ControlService(service, SERVICE_CONTROL_INTERROGATE, &status))
        error = GetLastError();
    CloseServiceHandle(service);
    return error;
}

DWORD DriverAsk(const wchar_t *Name, SERVICE_REPORT *Report)
{
    DRIVER_CALL call = {.TimeoutMs = ASK_MS};
    DWORD asked, error = DriverQuery(Name, Report);

    if (error != ERROR_SUCCESS || Report->State != SERVICE_RUNNING)
        return error;
    wcsncpy(call.Name, Name, SERVICE_NAME_CHARS_MAX);
    asked = BoundedCall(AskRoutine, &call, sizeof call, ASK_MS);
    if (asked == ERROR_NO_DATA || asked == ERROR_BROKEN_PIPE || asked == ERROR_SERVICE_NOT_ACTIVE)
        Report->State = SERVICE_STOPPED;
    return ERROR_SUCCESS;
}

BOOL DriverLost(const wchar_t *Name)
{
    SERVICE_REPORT said, asked;

    return DriverQuery(Name, &said) == ERROR_SUCCESS && said.State == SERVICE_RUNNING &&
           DriverAsk(Name, &asked) == ERROR_SUCCESS && asked.State != SERVICE_RUNNING;
}
