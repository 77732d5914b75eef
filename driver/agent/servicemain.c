/* servicemain.c - `service`: the process of a run, as the service control manager starts it. */
#include "commands.h"
#include "complain.h"
#include "options.h"
#include "path.h"
#include "run.h"
#include "runservice.h"

#include <stdlib.h>

/* How long a run may need to finish its step and tidy up, as a hint to the manager. */
#define STOP_HINT_MS 130000u

typedef struct RUN_SERVICE {
    wchar_t *Plan;
    wchar_t *Journal;
    wchar_t Name[RUN_SERVICE_CHARS];
    SERVICE_STATUS_HANDLE Status;
    HANDLE Cancel;
} RUN_SERVICE;

/*
 * The manager calls ServiceMain with nothing but strings, so this is the one way to it. Set once,
 * before the dispatcher runs, and never changed.
 */
static RUN_SERVICE *TheService;

static void Tell(const RUN_SERVICE *Service, DWORD State, DWORD Win32)
{
    SERVICE_STATUS status = {
        .dwServiceType = SERVICE_WIN32_OWN_PROCESS,
        .dwCurrentState = State,
        .dwControlsAccepted = State == SERVICE_RUNNING ? SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_SHUTDOWN : 0,
        .dwWin32ExitCode = Win32,
        .dwWaitHint = State == SERVICE_STOP_PENDING ? STOP_HINT_MS : 0,
    };

    (void)SetServiceStatus(Service->Status, &status);
}

static DWORD WINAPI Control(DWORD Code, DWORD Type, void *Data, void *Context)
{
    RUN_SERVICE *service = Context;

    (void)Type;
    (void)Data;
    switch (Code) {
    case SERVICE_CONTROL_STOP:
    case SERVICE_CONTROL_SHUTDOWN:
        Tell(service, SERVICE_STOP_PENDING, ERROR_SUCCESS);
        SetEvent(service->Cancel);
        return ERROR_SUCCESS;
    case SERVICE_CONTROL_INTERROGATE:
        return ERROR_SUCCESS;
    default:
        return ERROR_CALL_NOT_IMPLEMENTED;
    }
}

/* From now on the service goes with this process. */
static void MarkForDeletion(const RUN_SERVICE *Service)
{
    SC_HANDLE service;

    if (ServiceOpen(Service->Name, DELETE, &service) != ERROR_SUCCESS)
        return;
    (void)DeleteService(service);
    CloseServiceHandle(service);
}

static DWORD RunWithJournal(const RUN_SERVICE *Service)
{
    DWORD error;
    JOURNAL *journal = calloc(1, sizeof *journal);

    if (journal == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    error = JournalCreate(journal, Service->Journal);
    if (error == ERROR_SUCCESS) {
        Tell(Service, SERVICE_RUNNING, ERROR_SUCCESS);
        MarkForDeletion(Service);
        RunPlan(Service->Plan, journal, Service->Cancel);
        error = journal->Error;
        JournalClose(journal);
    }
    free(journal);
    return error;
}

static void WINAPI ServiceMain(DWORD Argc, wchar_t **Argv)
{
    RUN_SERVICE *service = TheService;
    DWORD error;

    (void)Argc;
    (void)Argv;
    service->Status = RegisterServiceCtrlHandlerExW(service->Name, Control, service);
    if (service->Status == NULL)
        return;
    error = RunWithJournal(service);
    if (error != ERROR_SUCCESS)
        MarkForDeletion(service);
    Tell(service, SERVICE_STOPPED, error);
}

static int Serve(RUN_SERVICE *Service)
{
    const SERVICE_TABLE_ENTRYW table[] = {{Service->Name, ServiceMain}, {NULL, NULL}};

    Service->Cancel = CreateEventW(NULL, TRUE, FALSE, NULL);
    if (Service->Cancel == NULL)
        return Complain("make an event for", Service->Name, GetLastError());
    TheService = Service;
    /* The event is not closed: the handler may be called until the process ends. */
    if (!StartServiceCtrlDispatcherW(table))
        return Complain("serve as", Service->Name, GetLastError());
    return EXIT_DONE;
}

int CommandService(int Argc, wchar_t **Argv)
{
    const wchar_t *plan = NULL, *journal = NULL;
    const OPTION options[] = {
        {.Name = L"--plan", .Value = &plan},
        {.Name = L"--journal", .Value = &journal},
    };
    RUN_SERVICE service = {0};
    DWORD error;
    int code;

    if (!OptionsParse(Argc, Argv, options, ARRAYSIZE(options)) || plan == NULL || journal == NULL)
        return EXIT_USAGE;
    service.Plan = PathOpen(plan, &error);
    if (service.Plan == NULL)
        return Complain("open the plan", plan, error);
    service.Journal = PathOpen(journal, &error);
    if (service.Journal == NULL) {
        code = Complain("open the journal", journal, error);
    } else {
        RunServiceName(service.Journal, service.Name);
        code = Serve(&service);
    }
    free(service.Journal);
    free(service.Plan);
    return code;
}
