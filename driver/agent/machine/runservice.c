/* runservice.c - the service that a run lives in, from outside. */
#include "runservice.h"
#include "digest.h"
#include "image.h"
#include "path.h"
#include "text.h"

#include <stdlib.h>
#include <wchar.h>

/* From the start of a process to its journal; the manager itself gives up after 30 s. */
#define JOURNAL_MS      30000u
#define JOURNAL_POLL_MS 2u
#define SERVICE_POLLS   32u /* asking the manager costs more than looking for the file */

/* From TerminateProcess to the end of the process: a request that is under way has to come back first. */
#define KILL_MS 10000u

#define NAME_PREFIX L"wskharness-run-"
#define NAME_DIGITS 16u

#define ANNOUNCEMENT_CHARS (RUN_SERVICE_CHARS + 8u)

void RunServiceName(const wchar_t *Journal, UINT32 Reboots, wchar_t Name[RUN_SERVICE_CHARS])
{
    wchar_t folded[PATH_CHARS_MAX + 1];
    char digits[SHA256_DIGITS + 1];
    UINT8 digest[SHA256_BYTES];
    SHA256 hash;
    size_t prefix = wcslen(NAME_PREFIX);
    int length = LCMapStringEx(LOCALE_NAME_INVARIANT, LCMAP_LOWERCASE, PathPlain(Journal), -1, folded,
                               ARRAYSIZE(folded), NULL, NULL, 0);

    Sha256Init(&hash);
    Sha256Add(&hash, folded, (size_t)length * sizeof *folded);
    if (Reboots != 0)
        Sha256Add(&hash, &Reboots, sizeof Reboots);
    Sha256Finish(&hash, digest);
    HexDigits(digest, sizeof digest, digits);
    wcscpy(Name, NAME_PREFIX);
    for (size_t i = 0; i < NAME_DIGITS; i++)
        Name[prefix + i] = (wchar_t)digits[i];
    Name[prefix + NAME_DIGITS] = L'\0';
}

/* An object of the system's, so that it goes with the process however that ends. */
static void AnnouncementName(const wchar_t *Journal, wchar_t Name[ANNOUNCEMENT_CHARS])
{
    wcscpy(Name, L"Global\\");
    RunServiceName(Journal, 0, Name + wcslen(Name));
}

HANDLE RunServiceAnnounce(const wchar_t *Journal)
{
    wchar_t name[ANNOUNCEMENT_CHARS];

    AnnouncementName(Journal, name);
    return CreateMutexW(NULL, FALSE, name);
}

BOOL RunServiceAnnounced(const wchar_t *Journal)
{
    wchar_t name[ANNOUNCEMENT_CHARS];
    HANDLE mutex;

    AnnouncementName(Journal, name);
    mutex = OpenMutexW(SYNCHRONIZE, FALSE, name);
    if (mutex != NULL)
        CloseHandle(mutex);
    return mutex != NULL;
}

static void AppendNumber(wchar_t *Line, UINT32 Number)
{
    char digits[16];
    TEXT text;

    TextInit(&text, digits, sizeof digits);
    TextAddU64(&text, Number);
    Line += wcslen(Line);
    for (size_t i = 0; i <= text.Length; i++)
        Line[i] = (wchar_t)digits[i];
}

/* Image, command, plan and journal, each path in quotes: none can hold one itself. To be freed. */
static wchar_t *ServiceCommand(const wchar_t *Plan, const wchar_t *Journal, UINT32 Lease, BOOL AfterBoot,
                               DWORD *Error)
{
    const size_t chars = 3 * (PATH_CHARS_MAX + 1) + 64;
    wchar_t image[PATH_CHARS_MAX + 1];
    wchar_t *line = NULL;

    *Error = ImagePath(image, ARRAYSIZE(image));
    if (*Error != ERROR_SUCCESS)
        return NULL;
    line = malloc(chars * sizeof *line);
    if (line == NULL) {
        *Error = ERROR_NOT_ENOUGH_MEMORY;
        return NULL;
    }
    wcscpy(line, L"\"");
    wcscat(line, image);
    wcscat(line, L"\" service --plan \"");
    wcscat(line, PathPlain(Plan));
    wcscat(line, L"\" --journal \"");
    wcscat(line, PathPlain(Journal));
    wcscat(line, L"\" --lease ");
    AppendNumber(line, Lease);
    if (AfterBoot)
        wcscat(line, L" --after-boot");
    return line;
}

/* Waits for the journal, and for the service that should write it not to have ended before. */
static DWORD AwaitJournal(SC_HANDLE Service, const wchar_t *Journal)
{
    UINT64 deadline = GetTickCount64() + JOURNAL_MS;

    for (UINT32 polls = 1; GetFileAttributesW(Journal) == INVALID_FILE_ATTRIBUTES; polls++) {
        SERVICE_REPORT report = {0};
        DWORD error = ERROR_SUCCESS;

        if (GetTickCount64() >= deadline)
            return ERROR_SERVICE_REQUEST_TIMEOUT;
        if (polls % SERVICE_POLLS == 0) {
            error = ServiceQuery(Service, &report);
            if (error == ERROR_SUCCESS && report.State == SERVICE_STOPPED)
                error = report.ExitCode != ERROR_SUCCESS ? report.ExitCode : ERROR_PROCESS_ABORTED;
        }
        if (error != ERROR_SUCCESS)
            return error;
        Sleep(JOURNAL_POLL_MS);
    }
    return ERROR_SUCCESS;
}

DWORD RunServiceStart(const wchar_t *Plan, const wchar_t *Journal, UINT32 Lease, DWORD *Retries)
{
    wchar_t name[RUN_SERVICE_CHARS];
    wchar_t *line = NULL;
    SC_HANDLE scm, service = NULL;
    DWORD error = ScmOpen(SC_MANAGER_CREATE_SERVICE, &scm);

    *Retries = 0;
    if (error != ERROR_SUCCESS)
        return error;
    line = ServiceCommand(Plan, Journal, Lease, FALSE, &error);
    if (line == NULL)
        goto Exit;
    RunServiceName(Journal, 0, name);
    service = CreateServiceW(scm, name, NULL, SERVICE_START | SERVICE_QUERY_STATUS | DELETE,
                             SERVICE_WIN32_OWN_PROCESS, SERVICE_DEMAND_START, SERVICE_ERROR_IGNORE, line,
                             NULL, NULL, NULL, NULL, NULL);
    if (service == NULL) {
        error = GetLastError();
        goto Exit;
    }
    error = ServiceStart(service, SERVICE_RETRIES_MAX, Retries);
    if (error == ERROR_SUCCESS)
        error = AwaitJournal(service, Journal);
    if (error != ERROR_SUCCESS)
        (void)DeleteService(service); /* what has started does so itself */

Exit:
    if (service != NULL)
        CloseServiceHandle(service);
    free(line);
    CloseServiceHandle(scm);
    return error;
}

DWORD RunServiceAfterBoot(const wchar_t *Plan, const wchar_t *Journal, UINT32 Lease, UINT32 Reboots)
{
    wchar_t name[RUN_SERVICE_CHARS];
    SC_HANDLE scm, service;
    wchar_t *line = NULL;
    DWORD error = ScmOpen(SC_MANAGER_CREATE_SERVICE, &scm);

    if (error != ERROR_SUCCESS)
        return error;
    RunServiceName(Journal, Reboots, name);
    line = ServiceCommand(Plan, Journal, Lease, TRUE, &error);
    if (line != NULL) {
        service = CreateServiceW(scm, name, NULL, DELETE, SERVICE_WIN32_OWN_PROCESS, SERVICE_AUTO_START,
                                 SERVICE_ERROR_IGNORE, line, NULL, NULL, NULL, NULL, NULL);
        if (service != NULL)
            CloseServiceHandle(service);
        else
            error = GetLastError();
    }
    free(line);
    CloseServiceHandle(scm);
    return error;
}

void RunServiceForget(const wchar_t *Journal, UINT32 Reboots)
{
    wchar_t name[RUN_SERVICE_CHARS];
    SC_HANDLE service;

    RunServiceName(Journal, Reboots, name);
    if (ServiceOpen(name, DELETE, &service) != ERROR_SUCCESS)
        return;
    (void)DeleteService(service);
    CloseServiceHandle(service);
}

static DWORD Cancel(const wchar_t *Name)
{
    SERVICE_STATUS status;
    SC_HANDLE service;
    DWORD error = ServiceOpen(Name, SERVICE_STOP, &service);

    if (error != ERROR_SUCCESS)
        return error;
    if (!ControlService(service, SERVICE_CONTROL_STOP, &status))
        error = GetLastError();
    CloseServiceHandle(service);
    return error;
}

/* The process of the service, for TerminateProcess and to be waited for. */
static DWORD OpenServiceProcess(const wchar_t *Name, HANDLE *Process)
{
    SERVICE_STATUS_PROCESS status;
    SC_HANDLE service;
    DWORD bytes, error = ServiceOpen(Name, SERVICE_QUERY_STATUS, &service);

    if (error != ERROR_SUCCESS)
        return error;
    if (!QueryServiceStatusEx(service, SC_STATUS_PROCESS_INFO, (BYTE *)&status, sizeof status, &bytes))
        error = GetLastError();
    else if (status.dwProcessId == 0)
        error = ERROR_SERVICE_NOT_ACTIVE;
    else if ((*Process = OpenProcess(PROCESS_TERMINATE | SYNCHRONIZE, FALSE, status.dwProcessId)) == NULL)
        error = GetLastError();
    CloseServiceHandle(service);
    return error;
}

static DWORD Kill(const wchar_t *Name)
{
    HANDLE process;
    DWORD error = OpenServiceProcess(Name, &process);

    if (error != ERROR_SUCCESS)
        return error;
    if (!TerminateProcess(process, ERROR_PROCESS_ABORTED))
        error = GetLastError();
    else if (WaitForSingleObject(process, KILL_MS) != WAIT_OBJECT_0)
        error = ERROR_TIMEOUT;
    CloseHandle(process);
    return error;
}

/* Does something with the service that writes the journal. ERROR_SERVICE_DOES_NOT_EXIST when there is none.
 */
static DWORD WithService(const wchar_t *Journal, DWORD (*Do)(const wchar_t *Name))
{
    DWORD error = ERROR_SERVICE_DOES_NOT_EXIST;

    /* A manager may still know those of earlier boots, which do not run any more. */
    for (UINT32 reboots = 0; reboots <= RUN_REBOOTS_MAX; reboots++) {
        wchar_t name[RUN_SERVICE_CHARS];
        DWORD tried;

        RunServiceName(Journal, reboots, name);
        tried = Do(name);
        /* One that is on its way up, or down, is the one. */
        if (tried == ERROR_SUCCESS || tried == ERROR_INVALID_SERVICE_CONTROL ||
            tried == ERROR_SERVICE_CANNOT_ACCEPT_CTRL)
            return tried;
        if (tried != ERROR_SERVICE_DOES_NOT_EXIST)
            error = tried;
    }
    return error;
}

DWORD RunServiceCancel(const wchar_t *Journal) { return WithService(Journal, Cancel); }

DWORD RunServiceKill(const wchar_t *Journal) { return WithService(Journal, Kill); }
