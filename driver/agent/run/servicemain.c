/* servicemain.c - `service`: the process of a run, as the service control manager starts it. */
#include "commands.h"
#include "image.h"
#include "complain.h"
#include "lease.h"
#include "options.h"
#include "path.h"
#include "run.h"
#include "runservice.h"

#include <stdlib.h>

/* How long a run may need to finish its step and tidy up, as a hint to the manager. */
#define STOP_HINT_MS 130000u

typedef struct RUN_SERVICE {
    RUN_FILES Files;
    BOOL AfterBoot;     /* it goes on where the boot before has stopped … */
    REBOOT_POINT Point; /* … which is here */
    wchar_t Name[RUN_SERVICE_CHARS];
    SERVICE_STATUS_HANDLE Status;
    HANDLE Cancel;
} RUN_SERVICE;

/*
 * The manager calls ServiceMain with nothing but strings, so this is the one way to it. Set once,
 * before the dispatcher runs, and never changed.
 */
static RUN_SERVICE *TheService;

static void TellScm(const RUN_SERVICE *Service, DWORD State, DWORD Win32)
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
        TellScm(service, SERVICE_STOP_PENDING, ERROR_SUCCESS);
        SetEvent(service->Cancel);
        return ERROR_SUCCESS;
    case SERVICE_CONTROL_INTERROGATE: return ERROR_SUCCESS;
    default: return ERROR_CALL_NOT_IMPLEMENTED;
    }
}

/*
 * From now on the service goes with this process. Wine keeps one that is marked until its process has ended
 * in order, which it does not in a reboot: so that it does not start again then, that is taken back first.
 */
static void MarkForDeletion(const RUN_SERVICE *Service)
{
    SC_HANDLE service;

    if (ServiceOpen(Service->Name, DELETE | SERVICE_CHANGE_CONFIG, &service) != ERROR_SUCCESS)
        return;
    (void)ChangeServiceConfigW(service, SERVICE_NO_CHANGE, SERVICE_DEMAND_START, SERVICE_NO_CHANGE, NULL,
                               NULL, NULL, NULL, NULL, NULL, NULL);
    (void)DeleteService(service);
    CloseServiceHandle(service);
}

static DWORD OpenJournal(const RUN_SERVICE *Service, JOURNAL *Journal)
{
    const REBOOT_POINT *point = &Service->Point;
    UINT64 now = UnixTimeMs();

    if (!Service->AfterBoot)
        return JournalCreate(Journal, Service->Files.Journal);
    /* The clock that does not jump ends with a boot: across it there is only the other. */
    return JournalContinue(Journal, Service->Files.Journal, point->Sequence, point->Bytes,
                           point->OrderMs + (now > point->OrderUnixMs ? now - point->OrderUnixMs : 0));
}

static DWORD RunWithJournal(const RUN_SERVICE *Service)
{
    DWORD error;
    JOURNAL *journal = calloc(1, sizeof *journal);

    if (journal == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    error = OpenJournal(Service, journal);
    if (error == ERROR_SUCCESS) {
        TellScm(Service, SERVICE_RUNNING, ERROR_SUCCESS);
        MarkForDeletion(Service);
        RunPlan(&Service->Files, journal, Service->AfterBoot ? &Service->Point : NULL, Service->Cancel);
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
    TellScm(service, SERVICE_STOPPED, error);
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

/* Finds out who this is: the service of a run's beginning, or of a boot in the middle of it. */
static DWORD PrepareRun(RUN_SERVICE *Service)
{
    const wchar_t *journal = Service->Files.Journal;
    DWORD error = ERROR_SUCCESS;

    if (Service->AfterBoot) {
        error = RebootPointTake(journal, &Service->Point);
        if (error != ERROR_SUCCESS)
            return error;
        RunServiceForget(journal,
                         Service->Point.Reboots - 1); /* who ordered the reboot is gone with its boot */
    }
    Service->Files.Reboots = Service->Point.Reboots;
    RunServiceName(journal, Service->Files.Reboots, Service->Name);
    return error;
}

int CommandService(int Argc, wchar_t **Argv)
{
    const wchar_t *plan = NULL, *journal = NULL, *lease = NULL;
    RUN_SERVICE service = {0};
    const OPTION options[] = {
        {.Name = L"--plan", .Value = &plan},
        {.Name = L"--journal", .Value = &journal},
        {.Name = L"--lease", .Value = &lease},
        {.Name = L"--after-boot", .Given = &service.AfterBoot},
    };
    DWORD error;
    int code;

    if (!OptionsParse(Argc, Argv, options, ARRAYSIZE(options)) || plan == NULL || journal == NULL ||
        lease == NULL || !LeaseParse(lease, &service.Files.Lease))
        return EXIT_USAGE;
    service.Files.Plan = PathOpen(plan, &error);
    if (service.Files.Plan == NULL)
        return Complain("open the plan", plan, error);
    service.Files.Journal = PathOpen(journal, &error);
    if (service.Files.Journal == NULL)
        code = Complain("open the journal", journal, error);
    else
        code = PrepareRun(&service) == ERROR_SUCCESS ? Serve(&service) : EXIT_FAILED;
    free(service.Files.Journal);
    free(service.Files.Plan);
    return code;
}
