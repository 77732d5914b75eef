/* launch.c - `run`: starts a run in a service of its own. */
#include "commands.h"
#include "complain.h"
#include "journal.h"
#include "lease.h"
#include "options.h"
#include "path.h"
#include "plancheck.h"
#include "put.h"
#include "run.h"
#include "runservice.h"
#include "tail.h"

#include <stdlib.h>

/* The plan is refused: says so on standard error and in a journal that holds nothing else. */
static int RefusePlan(const RUN_FILES *Paths, const char *Reason)
{
    DWORD error;
    JOURNAL *journal = calloc(1, sizeof *journal);

    if (journal == NULL)
        return Complain("write the journal", PathPlain(Paths->Journal), ERROR_NOT_ENOUGH_MEMORY);
    error = JournalCreate(journal, Paths->Journal);
    if (error == ERROR_SUCCESS) {
        WritePlanRefused(journal, 0);
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
    error = RunServiceStart(Paths->Plan, Paths->Journal, Paths->Lease, &retries);
    if (error != ERROR_SUCCESS)
        return Complain("start a service for the journal", PathPlain(Paths->Journal), error);
    if (retries != 0)
        (void)ComplainText("start a service for the journal", PathPlain(Paths->Journal),
                           "done, but the service control manager had to be asked more than once");
    return Follow ? TailJournal(Paths->Journal, 0, TRUE) : EXIT_DONE;
}

int CommandRun(int Argc, wchar_t **Argv)
{
    const wchar_t *plan = NULL, *journal = NULL, *lease = NULL;
    BOOL follow = FALSE, put = FALSE;
    const OPTION options[] = {
        {.Name = L"--put", .Given = &put},         {.Name = L"--plan", .Value = &plan},
        {.Name = L"--journal", .Value = &journal}, {.Name = L"--lease", .Value = &lease},
        {.Name = L"--follow", .Given = &follow},
    };
    RUN_FILES paths = {0};
    HANDLE coming = NULL; /* orders to the run wait for it from here on */
    DWORD error;
    int code;

    if (!OptionsParse(Argc, Argv, options, ARRAYSIZE(options)) || plan == NULL || journal == NULL)
        return EXIT_USAGE;
    paths.Plan = PathOpen(plan, &error);
    if (paths.Plan == NULL)
        return Complain("open the plan", plan, error);
    paths.Journal = PathOpen(journal, &error);
    if (paths.Journal == NULL) {
        code = Complain("open the journal", journal, error);
    } else {
        coming = RunServiceAnnounce(paths.Journal);
        code = LeaseAdmitRun(lease, "start a run", paths.Journal, &paths.Lease);
        if (code == EXIT_DONE && put)
            code = PutFiles(TRUE);
        if (code == EXIT_DONE) /* once more, since files may take their time */
            code = LeaseAdmitRun(lease, "start a run", paths.Journal, &paths.Lease);
    }
    if (code == EXIT_DONE)
        code = Launch(&paths, follow);
    if (coming != NULL)
        CloseHandle(coming);
    free(paths.Journal);
    free(paths.Plan);
    return code;
}
