/* service.c - the service control manager. */
#include "service.h"

#include <wchar.h>

#define RETRY_FIRST_MS 40u /* then doubled: 1.24 s in all */
#define SETTLE_POLL_MS 3u
#define SLOW_ANSWER_MS 10000u /* whoever takes so long to say so is up: it is the service that is not */

BOOL ServiceNameValid(const wchar_t *Name)
{
    size_t length = 0;

    for (; Name[length] != L'\0'; length++) {
        wchar_t c = Name[length];

        if (length == SERVICE_NAME_CHARS_MAX)
            return FALSE;
        if (!((c >= L'a' && c <= L'z') || (c >= L'A' && c <= L'Z') || (c >= L'0' && c <= L'9') || c == L'.' ||
              c == L'_' || c == L'-'))
            return FALSE;
    }
    return length != 0;
}

void ServiceKey(const wchar_t *Name, wchar_t Key[SERVICE_KEY_CHARS])
{
    wcscpy(Key, L"SYSTEM\\CurrentControlSet\\Services\\");
    wcsncat(Key, Name, SERVICE_NAME_CHARS_MAX);
}

void ServiceParametersKey(const wchar_t *Name, wchar_t Key[SERVICE_KEY_CHARS])
{
    ServiceKey(Name, Key);
    wcscat(Key, L"\\Parameters");
}

/* Does the manager say so while it is still coming up? Wine's does, for some 100 ms after a boot. */
static BOOL MayPass(DWORD Error)
{
    return Error == ERROR_SERVICE_REQUEST_TIMEOUT || Error == ERROR_INTERNAL_ERROR ||
           Error == RPC_S_SERVER_UNAVAILABLE;
}

DWORD ScmOpen(DWORD Access, SC_HANDLE *Scm)
{
    DWORD error = ERROR_SUCCESS;

    for (DWORD attempt = 0; attempt <= SERVICE_RETRIES_MAX; attempt++) {
        *Scm = OpenSCManagerW(NULL, NULL, Access);
        if (*Scm != NULL)
            return ERROR_SUCCESS;
        error = GetLastError();
        if (!MayPass(error))
            return error;
        Sleep(RETRY_FIRST_MS << attempt);
    }
    return error;
}

DWORD ServiceOpen(const wchar_t *Name, DWORD Access, SC_HANDLE *Service)
{
    SC_HANDLE scm;
    DWORD error = ScmOpen(SC_MANAGER_CONNECT, &scm);

    *Service = NULL;
    if (error != ERROR_SUCCESS)
        return error;
    *Service = OpenServiceW(scm, Name, Access);
    if (*Service == NULL)
        error = GetLastError();
    CloseServiceHandle(scm);
    return error;
}

DWORD ServiceQuery(SC_HANDLE Service, SERVICE_REPORT *Report)
{
    SERVICE_STATUS status;

    if (!QueryServiceStatus(Service, &status))
        return GetLastError();
    Report->State = status.dwCurrentState;
    Report->ExitCode = status.dwWin32ExitCode;
    return ERROR_SUCCESS;
}

DWORD ServiceSettle(SC_HANDLE Service, DWORD TimeoutMs, SERVICE_REPORT *Report)
{
    UINT64 deadline = GetTickCount64() + TimeoutMs;

    for (;;) {
        DWORD error = ServiceQuery(Service, Report);

        if (error != ERROR_SUCCESS)
            return error;
        if (Report->State == SERVICE_RUNNING || Report->State == SERVICE_STOPPED ||
            Report->State == SERVICE_PAUSED)
            return ERROR_SUCCESS;
        if (GetTickCount64() >= deadline)
            return ERROR_TIMEOUT;
        Sleep(SETTLE_POLL_MS);
    }
}

DWORD ServiceStart(SC_HANDLE Service, DWORD RetriesMax, DWORD *Retries)
{
    for (*Retries = 0;; ++*Retries) {
        UINT64 begin = GetTickCount64();
        DWORD error;

        if (StartServiceW(Service, 0, NULL))
            return ERROR_SUCCESS;
        error = GetLastError();
        if (error == ERROR_SERVICE_ALREADY_RUNNING)
            return ERROR_SUCCESS;
        if (!MayPass(error) || *Retries == RetriesMax || GetTickCount64() - begin >= SLOW_ANSWER_MS)
            return error;
        Sleep(RETRY_FIRST_MS << *Retries);
    }
}

const char *ServiceStateName(DWORD State)
{
    switch (State) {
    case SERVICE_ABSENT: return "absent";
    case SERVICE_STOPPED: return "stopped";
    case SERVICE_START_PENDING: return "start-pending";
    case SERVICE_STOP_PENDING: return "stop-pending";
    case SERVICE_RUNNING: return "running";
    case SERVICE_CONTINUE_PENDING: return "continue-pending";
    case SERVICE_PAUSE_PENDING: return "pause-pending";
    case SERVICE_PAUSED: return "paused";
    default: return "unknown";
    }
}
