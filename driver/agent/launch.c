/* launch.c - `run`, `cancel`, `kill`: starts a run in a service of its own, asks it to stop, ends it. */
#include "commands.h"
#include "complain.h"
#include "journal.h"
#include "options.h"
#include "path.h"
#include "plan.h"
#include "put.h"
#include "run.h"
#include "runservice.h"
#include "tail.h"

#include <stdlib.h>

/* From the first record of a run to where its service takes orders there are milliseconds, but on a slow
 * machine. */
#define ORDER_MS      10000u
#define ORDER_POLL_MS 10u

/* The plan is refused: says so on standard error and in a journal that holds nothing else. */
static int RefusePlan(const RUN_FILES *Paths, const char *Reason)
{
    DWORD error;
    JOURNAL *journal = calloc(1, sizeof *journal);

    if (journal == NULL)
        return Complain("write the journal", PathPlain(Paths->Journal), ERROR_NOT_ENOUGH_MEMORY);
    error = JournalCreate(journal, Paths->Journal);
    if (error == ERROR_SUCCESS) {
        WritePlanRefused(journal);
        error = journal->Error;
        JournalClose(journal);
    }
    free(journal);
    if (error != ERROR_SUCCESS)
        (void)Complain("write the journal", PathPlain(Paths->Journal), error);
    return ComplainText("check the plan", PathPlain(Paths->Plan), Reason);
}

static int Launch(const RUN_FILES *Paths, BOOL Follow)
{
    char buffer[512];
    TEXT reason;
    PLAN plan;
    BOOL sound;
    DWORD error, retries;

    if (GetFileAttributesW(Paths->Journal) != INVALID_FILE_ATTRIBUTES)
        return ComplainText("start a run with the journal", PathPlain(Paths->Journal),
                            "it is there already; a run needs a journal of its own");
    TextInit(&reason, buffer, sizeof buffer);
    sound = PlanLoad(&plan, Paths->Plan, &reason);
    PlanFree(&plan);
    if (!sound) {
        int code = RefusePlan(Paths, reason.Data);

        if (Follow)
            (void)TailJournal(Paths->Journal, 0, FALSE);
        return code;
    }
    error = RunServiceStart(Paths->Plan, Paths->Journal, &retries);
    if (error != ERROR_SUCCESS)
        return Complain("start a service for the journal", PathPlain(Paths->Journal), error);
    if (retries != 0)
        (void)ComplainText("start a service for the journal", PathPlain(Paths->Journal),
                           "done, but the service control manager had to be asked more than once");
    return Follow ? TailJournal(Paths->Journal, 0, TRUE) : EXIT_DONE;
}

int CommandRun(int Argc, wchar_t **Argv)
{
    const wchar_t *plan = NULL, *journal = NULL;
    BOOL follow = FALSE, put = FALSE;
    const OPTION options[] = {
        {.Name = L"--put", .Given = &put},
        {.Name = L"--plan", .Value = &plan},
        {.Name = L"--journal", .Value = &journal},
        {.Name = L"--follow", .Given = &follow},
    };
    RUN_FILES paths = {0};
    DWORD error;
    int code;

    if (!OptionsParse(Argc, Argv, options, ARRAYSIZE(options)) || plan == NULL || journal == NULL)
        return EXIT_USAGE;
    paths.Plan = PathOpen(plan, &error);
    if (paths.Plan == NULL)
        return Complain("open the plan", plan, error);
    paths.Journal = PathOpen(journal, &error);
    if (paths.Journal == NULL)
        code = Complain("open the journal", journal, error);
    else
        code = put ? PutFiles(TRUE) : EXIT_DONE;
    if (code == EXIT_DONE)
        code = Launch(&paths, follow);
    free(paths.Journal);
    free(paths.Plan);
    return code;
}

/* What became of the run whose journal is at Path. */
static DWORD LookAtRun(const wchar_t *Path, JOURNAL_STATE *State)
{
    DWORD error;
    HANDLE file = CreateFileW(Path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                              NULL, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);

    if (file == INVALID_HANDLE_VALUE)
        return GetLastError();
    error = JournalLook(Path, file, State);
    CloseHandle(file);
    return error;
}

/*
 * What the manager and the file system say of a run that is on its way up, or down: it can be asked in a
 * moment. With ERROR_SERVICE_DOES_NOT_EXIST the run is in another boot than its service, or has just ended.
 */
static BOOL OrderMayPass(DWORD Error)
{
    switch (Error) {
    case ERROR_INVALID_SERVICE_CONTROL:
    case ERROR_SERVICE_CANNOT_ACCEPT_CTRL:
    case ERROR_SERVICE_NOT_ACTIVE:
    case ERROR_SERVICE_DOES_NOT_EXIST:
    case ERROR_SERVICE_MARKED_FOR_DELETE:
    case ERROR_SERVICE_REQUEST_TIMEOUT:
        return TRUE;
    default:
        return FALSE;
    }
}

/*
 * Gives a run an order until its service has taken it, or the run is over, or it is plain that it won't.
 * *Refused is what the service last said, *State what became of the run; returns why that could not be found
 * out.
 */
static DWORD OrderRun(const wchar_t *Path, DWORD (*Order)(const wchar_t *Journal), DWORD *Refused,
                      JOURNAL_STATE *State)
{
    UINT64 deadline = GetTickCount64() + ORDER_MS;

    for (;;) {
        DWORD error;

        *Refused = Order(Path);
        error = LookAtRun(Path, State);
        if (*Refused == ERROR_SUCCESS || error != ERROR_SUCCESS || *State != JOURNAL_RUNNING ||
            !OrderMayPass(*Refused) || GetTickCount64() >= deadline)
            return error;
        Sleep(ORDER_POLL_MS);
    }
}

/* Complains of a run that is not there to be given an order, and says whether it may be later. */
static int NotThere(const char *Attempt, const wchar_t *Path, DWORD Error)
{
    (void)Complain(Attempt, PathPlain(Path), Error);
    return Error == ERROR_FILE_NOT_FOUND || Error == ERROR_PATH_NOT_FOUND ? EXIT_NOT_YET : EXIT_FAILED;
}

static int CancelRun(const wchar_t *Path)
{
    JOURNAL_STATE state;
    DWORD refused, error = OrderRun(Path, RunServiceCancel, &refused, &state);

    if (refused == ERROR_SUCCESS)
        return EXIT_DONE;
    if (error != ERROR_SUCCESS)
        return NotThere("read the journal", Path, error);
    switch (state) {
    case JOURNAL_ENDED:
        return EXIT_DONE;
    case JOURNAL_GONE:
        return ComplainText("cancel the run of", PathPlain(Path), "it is gone without a run-end");
    case JOURNAL_REBOOTING:
        (void)ComplainText("cancel the run of", PathPlain(Path),
                           "the guest is rebooting for it, and it has not gone on yet; ask again");
        return EXIT_NOT_YET;
    default:
        (void)Complain("cancel the run of", PathPlain(Path), refused);
        return OrderMayPass(refused) ? EXIT_NOT_YET : EXIT_FAILED;
    }
}

/* Done is what is gone without a run-end, also by somebody else. */
static int KillRun(const wchar_t *Path)
{
    JOURNAL_STATE state;
    DWORD refused, error = OrderRun(Path, RunServiceKill, &refused, &state);

    if (error != ERROR_SUCCESS)
        return NotThere("read the journal", Path, error);
    switch (state) {
    case JOURNAL_GONE:
        return EXIT_DONE;
    case JOURNAL_ENDED:
        return ComplainText("end the run of", PathPlain(Path), "it has ended by itself");
    default:
        (void)Complain("end the run of", PathPlain(Path), refused != ERROR_SUCCESS ? refused : ERROR_TIMEOUT);
        return OrderMayPass(refused) ? EXIT_NOT_YET : EXIT_FAILED;
    }
}

static int WithJournal(int Argc, wchar_t **Argv, int (*Do)(const wchar_t *Path))
{
    const wchar_t *journal = NULL;
    const OPTION options[] = {{.Name = L"--journal", .Value = &journal}};
    wchar_t *path;
    DWORD error;
    int code;

    if (!OptionsParse(Argc, Argv, options, ARRAYSIZE(options)) || journal == NULL)
        return EXIT_USAGE;
    path = PathOpen(journal, &error);
    if (path == NULL)
        return Complain("open the journal", journal, error);
    code = Do(path);
    free(path);
    return code;
}

int CommandCancel(int Argc, wchar_t **Argv)
{
    return WithJournal(Argc, Argv, CancelRun);
}

int CommandKill(int Argc, wchar_t **Argv)
{
    return WithJournal(Argc, Argv, KillRun);
}
