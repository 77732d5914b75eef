/* order.c - `cancel`, `kill`: orders to a run, also to one that is only just starting. */
#include "commands.h"
#include "complain.h"
#include "journal.h"
#include "lease.h"
#include "options.h"
#include "path.h"
#include "runservice.h"

#include <stdlib.h>

/* Between the start of a run and its service there are milliseconds, but on a slow machine. */
#define ORDER_MS      10000u
#define ORDER_POLL_MS 10u

/* What the manager says of a run that is on its way up, or down: it can be asked in a moment. */
static BOOL OrderMayPass(DWORD Error)
{
    switch (Error) {
    case ERROR_INVALID_SERVICE_CONTROL:
    case ERROR_SERVICE_CANNOT_ACCEPT_CTRL:
    case ERROR_SERVICE_NOT_ACTIVE:
    case ERROR_SERVICE_DOES_NOT_EXIST:
    case ERROR_SERVICE_MARKED_FOR_DELETE:
    case ERROR_SERVICE_REQUEST_TIMEOUT: return TRUE;
    default: return FALSE;
    }
}

/* Is a run that has no journal yet about to have one? */
static BOOL IsComing(const wchar_t *Path, DWORD Error)
{
    return (Error == ERROR_FILE_NOT_FOUND || Error == ERROR_PATH_NOT_FOUND) && RunServiceAnnounced(Path);
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
        DWORD error = JournalLookAt(Path, State);

        *Refused = ERROR_SERVICE_DOES_NOT_EXIST;
        if (error == ERROR_SUCCESS && *State == JOURNAL_ENDED)
            return error;
        if (error == ERROR_SUCCESS) {
            *Refused = Order(Path);
            error = JournalLookAt(Path, State);
        }
        if (*Refused == ERROR_SUCCESS || GetTickCount64() >= deadline)
            return error;
        if (error == ERROR_SUCCESS ? *State != JOURNAL_RUNNING || !OrderMayPass(*Refused)
                                   : !IsComing(Path, error))
            return error;
        Sleep(ORDER_POLL_MS);
    }
}

/* Complains of a run that has no journal, and says whether it may have one later. */
static int NotThere(const wchar_t *Path, DWORD Error)
{
    (void)Complain("read the journal", PathPlain(Path), Error);
    return IsComing(Path, Error) ? EXIT_NOT_YET : EXIT_FAILED;
}

static int CancelRun(const wchar_t *Path)
{
    JOURNAL_STATE state;
    DWORD refused, error = OrderRun(Path, RunServiceCancel, &refused, &state);

    if (refused == ERROR_SUCCESS)
        return EXIT_DONE;
    if (error != ERROR_SUCCESS)
        return NotThere(Path, error);
    switch (state) {
    case JOURNAL_ENDED: return EXIT_DONE;
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
        return NotThere(Path, error);
    switch (state) {
    case JOURNAL_GONE: return EXIT_DONE;
    case JOURNAL_ENDED: return ComplainText("end the run of", PathPlain(Path), "it has ended by itself");
    default:
        (void)Complain("end the run of", PathPlain(Path), refused != ERROR_SUCCESS ? refused : ERROR_TIMEOUT);
        return OrderMayPass(refused) ? EXIT_NOT_YET : EXIT_FAILED;
    }
}

static int WithJournal(int Argc, wchar_t **Argv, const char *Attempt, int (*Do)(const wchar_t *Path))
{
    const wchar_t *journal = NULL, *lease = NULL;
    const OPTION options[] = {{.Name = L"--journal", .Value = &journal},
                              {.Name = L"--lease", .Value = &lease}};
    wchar_t *path;
    DWORD error;
    int code;

    if (!OptionsParse(Argc, Argv, options, ARRAYSIZE(options)) || journal == NULL)
        return EXIT_USAGE;
    code = LeaseAdmit(lease, Attempt); /* an order names its run: one without a number is no other's */
    if (code != EXIT_DONE)
        return code;
    path = PathOpen(journal, &error);
    if (path == NULL)
        return Complain("open the journal", journal, error);
    code = Do(path);
    free(path);
    return code;
}

int CommandCancel(int Argc, wchar_t **Argv) { return WithJournal(Argc, Argv, "cancel the run", CancelRun); }

int CommandKill(int Argc, wchar_t **Argv) { return WithJournal(Argc, Argv, "end the run", KillRun); }
