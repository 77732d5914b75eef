/*
 * loadagain.c - a driver's own word of why it did not start.
 *
 * Sources: "ZwLoadDriver" and "ZwUnloadDriver" in the WDK reference, whose system calls ntdll exports; both
 * want SeLoadDriverPrivilege. Wine 8 has no more of the first than its name.
 */
#include "loadagain.h"
#include "bounded.h"
#include "service.h"

#include <wchar.h>
#include <winternl.h>

#define SERVICES_KEY L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\"

#define STATUS_NOT_IMPLEMENTED_VALUE ((NTSTATUS)0xC0000002)

NTSTATUS NTAPI NtLoadDriver(UNICODE_STRING *Service);
NTSTATUS NTAPI NtUnloadDriver(UNICODE_STRING *Service);

typedef struct LOAD_CALL {
    wchar_t Key[ARRAYSIZE(SERVICES_KEY) + SERVICE_NAME_CHARS_MAX];
} LOAD_CALL;

/* Before is what ForbidLoading needs. */
static DWORD AllowLoading(HANDLE Token, TOKEN_PRIVILEGES *Before)
{
    TOKEN_PRIVILEGES wanted = {.PrivilegeCount = 1, .Privileges = {{.Attributes = SE_PRIVILEGE_ENABLED}}};
    DWORD size = sizeof *Before;

    if (!LookupPrivilegeValueW(NULL, L"SeLoadDriverPrivilege", &wanted.Privileges[0].Luid))
        return GetLastError();
    (void)AdjustTokenPrivileges(Token, FALSE, &wanted, sizeof *Before, Before, &size);
    return GetLastError(); /* also where it succeeds: it does so for a token that has no such privilege */
}

static void ForbidLoading(HANDLE Token, TOKEN_PRIVILEGES *Before)
{
    if (Before->PrivilegeCount != 0) /* 0: nothing was changed */
        (void)AdjustTokenPrivileges(Token, FALSE, Before, 0, NULL, NULL);
}

static DWORD LoadNow(LOAD_CALL *Call)
{
    UNICODE_STRING service;
    NTSTATUS status;

    RtlInitUnicodeString(&service, Call->Key);
    status = NtLoadDriver(&service);
    if (status == STATUS_NOT_IMPLEMENTED_VALUE)
        return ERROR_CALL_NOT_IMPLEMENTED;
    if (status < 0)
        return (DWORD)status;
    /* One that does not go is told by the next start, which stops what runs. */
    (void)NtUnloadDriver(&service);
    return ERROR_SUCCESS;
}

/* On a thread of its own: DriverEntry may never return. Until it does, the process has the privilege. */
static DWORD LoadRoutine(void *Context)
{
    TOKEN_PRIVILEGES before = {0};
    HANDLE token;
    DWORD result;

    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_ADJUST_PRIVILEGES | TOKEN_QUERY, &token))
        return GetLastError();
    result = AllowLoading(token, &before);
    if (result == ERROR_SUCCESS)
        result = LoadNow(Context);
    ForbidLoading(token, &before);
    CloseHandle(token);
    return result;
}

DWORD LoadAgain(const wchar_t *Service, DWORD TimeoutMs)
{
    LOAD_CALL call = {0};

    wcscpy(call.Key, SERVICES_KEY);
    wcsncat(call.Key, Service, SERVICE_NAME_CHARS_MAX);
    return BoundedCall(LoadRoutine, &call, sizeof call, TimeoutMs);
}
