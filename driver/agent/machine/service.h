/* service.h - the service control manager, asked again where it is not up yet, right after a boot. */
#pragma once

#include <windows.h>

#define SERVICE_RETRIES_MAX 5u

#define SERVICE_NAME_CHARS_MAX 64u
#define SERVICE_KEY_CHARS      160u

/* No service: beside SERVICE_STOPPED and its neighbours. */
#define SERVICE_ABSENT 0u

typedef struct SERVICE_REPORT {
    DWORD State; /* SERVICE_* */
    DWORD ExitCode;
} SERVICE_REPORT;

/* Letters, digits, '.', '_' and '-', 1 to SERVICE_NAME_CHARS_MAX of them: also safe in a registry path. */
BOOL ServiceNameValid(const wchar_t *Name);

/* The key of a service below HKEY_LOCAL_MACHINE, and that of its parameters. */
void ServiceKey(const wchar_t *Name, wchar_t Key[SERVICE_KEY_CHARS]);
void ServiceParametersKey(const wchar_t *Name, wchar_t Key[SERVICE_KEY_CHARS]);

/* Opens the manager; tries again for a few seconds while it does not answer. */
DWORD ScmOpen(DWORD Access, SC_HANDLE *Scm);

/*
 * Opens a service. SERVICE_ABSENT services give ERROR_SERVICE_DOES_NOT_EXIST.
 */
DWORD ServiceOpen(const wchar_t *Name, DWORD Access, SC_HANDLE *Service);

DWORD ServiceQuery(SC_HANDLE Service, SERVICE_REPORT *Report);

/*
 * Waits until the service is in no pending state, at most TimeoutMs: ERROR_TIMEOUT then. The manager has
 * no event for it that Wine knows too, so it is asked every few milliseconds.
 */
DWORD ServiceSettle(SC_HANDLE Service, DWORD TimeoutMs, SERVICE_REPORT *Report);

/*
 * Starts a service; ERROR_SERVICE_ALREADY_RUNNING counts as done. The errors of a manager that is not
 * up yet (1053, 1359, 1722), where it says so soon, are met by trying again, at most RetriesMax times;
 * *Retries says how often.
 */
DWORD ServiceStart(SC_HANDLE Service, DWORD RetriesMax, DWORD *Retries);

const char *ServiceStateName(DWORD State);
