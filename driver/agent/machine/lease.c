/* lease.c - who may use the guest; `renew` and `release`. */
#include "leasestore.h"
#include "commands.h"
#include "complain.h"
#include "options.h"

#include <wchar.h>

/* So long a controller may be busy elsewhere, or come to life again, before another gets the guest. */
#define LEASE_MS 120000u

BOOL LeaseRunLives(const wchar_t *Journal)
{
    BOOL rebooting;

    return LeaseRuns(Journal, &rebooting) || rebooting;
}

static UINT64 LeaseAge(const LEASE_STORE *Store)
{
    UINT64 now = GetTickCount64();

    return now > Store->Ticks ? now - Store->Ticks : 0;
}

/* Does somebody have the guest? One whose run lives does, also where he has given the lease back. */
static BOOL LeaseInForce(const LEASE_STORE *Store, BOOL Running)
{
    return Running || (Store->Owner[0] != L'\0' && Store->Used && LeaseAge(Store) < LEASE_MS);
}

static void LeaseTell(const LEASE_STORE *Store, BOOL Running, LEASE_ANSWER *Answer)
{
    Answer->Number = Store->Number;
    Answer->Running = Running;
    Answer->Used = Store->Used;
    Answer->Ms = Store->Used ? LeaseAge(Store) : 0;
    wcscpy(Answer->Owner, Store->Owner);
}

static DWORD LeaseTakeLocked(const wchar_t *Owner, LEASE_ANSWER *Answer)
{
    LEASE_STORE store;
    BOOL running;
    DWORD error = LeaseRead(&store, &running);

    if (error != ERROR_SUCCESS)
        return error;
    Answer->Granted = wcscmp(store.Owner, Owner) == 0;
    if (!Answer->Granted && !LeaseInForce(&store, running)) {
        if (store.Number == MAXUINT32)
            return ERROR_ARITHMETIC_OVERFLOW;
        error = LeaseWrite(store.Number + 1, Owner);
        if (error == ERROR_SUCCESS)
            error = LeaseRead(&store, &running);
        Answer->Granted = error == ERROR_SUCCESS;
    }
    if (Answer->Granted) {
        store.Ticks = GetTickCount64();
        store.Used = TRUE;
        error = LeaseTouchAt(store.Ticks);
    }
    LeaseTell(&store, running, Answer);
    return error;
}

DWORD LeaseTake(const wchar_t *Owner, LEASE_ANSWER *Answer)
{
    HANDLE mutex;
    DWORD error;

    *Answer = (LEASE_ANSWER){0};
    if (Owner[0] == L'\0' || wcslen(Owner) >= ARRAYSIZE(Answer->Owner))
        return ERROR_INVALID_PARAMETER;
    error = LeaseLock(&mutex);
    if (error != ERROR_SUCCESS)
        return error;
    error = LeaseTakeLocked(Owner, Answer);
    LeaseUnlock(mutex);
    return error;
}

void TextAddLease(TEXT *Text, const LEASE_ANSWER *Answer)
{
    TextAdd(Text, "the guest is used by ");
    if (Answer->Owner[0] != L'\0')
        TextAddWide(Text, Answer->Owner);
    else
        TextAdd(Text, "nobody any more");
    TextAdd(Text, ", with lease ");
    TextAddU64(Text, Answer->Number);
    if (Answer->Used) {
        TextAdd(Text, ", last heard of ");
        TextAddU64(Text, Answer->Ms / 1000);
        TextAdd(Text, " s ago");
    }
    if (Answer->Running)
        TextAdd(Text, "; a run lives in it");
}

BOOL LeaseParse(const wchar_t *Given, UINT32 *Number)
{
    UINT64 number = 0;

    *Number = 0;
    if (!ParseU64(Given, &number) || number > MAXUINT32)
        return FALSE;
    *Number = (UINT32)number;
    return TRUE;
}

/* Is a number, or none (0), good for an order? */
static DWORD LeaseJudge(UINT32 Number, const wchar_t *Journal, BOOL *Good, LEASE_ANSWER *Answer)
{
    LEASE_STORE store;
    BOOL running;
    DWORD error = LeaseRead(&store, &running);

    if (error != ERROR_SUCCESS)
        return error;
    LeaseTell(&store, running, Answer);
    if (Number != 0)
        *Good = Number == store.Number && store.Owner[0] != L'\0';
    else /* a run that is started twice is in nobody's way but its own */
        *Good = !LeaseInForce(&store, running) ||
                (Journal != NULL && wcscmp(Journal, store.Journal) == 0 && store.Owner[0] == L'\0');
    if (*Good && Number != 0)
        error = LeaseTouchAt(GetTickCount64());
    if (*Good && Journal != NULL && error == ERROR_SUCCESS)
        error = LeaseNoteJournal(Journal);
    return error;
}

static int LeaseRefuse(UINT32 Number, const char *Attempt, const LEASE_ANSWER *Answer)
{
    char buffer[1024];
    TEXT reason;

    TextInit(&reason, buffer, sizeof buffer);
    if (Number != 0) {
        TextAdd(&reason, "lease ");
        TextAddU64(&reason, Number);
        TextAdd(&reason, " is over: ");
    }
    TextAddLease(&reason, Answer);
    (void)ComplainText(Attempt, NULL, reason.Data);
    return EXIT_STALE;
}

int LeaseAdmit(const wchar_t *Given, const char *Attempt)
{
    UINT32 number;

    return Given == NULL ? EXIT_DONE : LeaseAdmitRun(Given, Attempt, NULL, &number);
}

int LeaseAdmitRun(const wchar_t *Given, const char *Attempt, const wchar_t *Journal, UINT32 *InForce)
{
    LEASE_ANSWER answer = {0};
    BOOL good = FALSE;
    UINT32 number = 0;
    HANDLE mutex;
    DWORD error;

    *InForce = 0;
    if (Given != NULL && (!LeaseParse(Given, &number) || number == 0))
        return EXIT_USAGE;
    error = LeaseLock(&mutex);
    if (error == ERROR_SUCCESS) {
        error = LeaseJudge(number, Journal, &good, &answer);
        LeaseUnlock(mutex);
    }
    if (error != ERROR_SUCCESS)
        return Complain("find out who uses the guest", NULL, error);
    *InForce = answer.Number;
    return good ? EXIT_DONE : LeaseRefuse(number, Attempt, &answer);
}

BOOL LeaseLost(UINT32 Number)
{
    UINT32 now;

    /* What can't be read is not known to be another's. */
    return LeaseNewest(&now) == ERROR_SUCCESS && now != Number;
}

void LeaseTouch(UINT32 Number)
{
    if (!LeaseLost(Number))
        (void)LeaseTouchAt(GetTickCount64());
}

static int LeaseCommand(int Argc, wchar_t **Argv, const char *Attempt)
{
    const wchar_t *lease = NULL;
    const OPTION options[] = {{.Name = L"--lease", .Value = &lease}};

    if (!OptionsParse(Argc, Argv, options, ARRAYSIZE(options)) || lease == NULL)
        return EXIT_USAGE;
    return LeaseAdmit(lease, Attempt);
}

int CommandRenew(int Argc, wchar_t **Argv) { return LeaseCommand(Argc, Argv, "keep the guest"); }

int CommandRelease(int Argc, wchar_t **Argv)
{
    DWORD error;
    int code = LeaseCommand(Argc, Argv, "give the guest back");

    if (code != EXIT_DONE)
        return code;
    /* Nobody else gets a number while this one is in force. */
    error = LeaseNoteOwner(L"");
    return error == ERROR_SUCCESS ? EXIT_DONE : Complain("give the guest back", NULL, error);
}
