/* lease.c - who may use the guest; `renew` and `release`. */
#include "lease.h"
#include "commands.h"
#include "complain.h"
#include "journal.h"
#include "options.h"
#include "path.h"
#include "runservice.h"
#include "security.h"

#include <wchar.h>

/*
 * What outlives a boot: the number, so that none is given out twice, its owner, and the journal of the newest
 * run. It is not below wskharness, which goes with the boot: the boot id made it, and below a volatile key
 * there is no other.
 */
#define LEASE_KEY     L"SOFTWARE\\wskharness-lease"
#define LEASE_NUMBER  L"Number"
#define LEASE_OWNER   L"Owner"
#define LEASE_JOURNAL L"Journal"

/* What goes with the boot: when it was last used, by the system's ticks. */
#define LEASE_USE_KEY L"SOFTWARE\\wskharness-lease\\Use"
#define LEASE_TICKS   L"Ticks"

#define LEASE_MUTEX L"Global\\wskharness-lease"

/* The other agent has a few registry calls to make, one of which waits for the disk. */
#define LEASE_MUTEX_MS 10000u

/* So long a controller may be busy elsewhere, or come to life again, before another gets the guest. */
#define LEASE_MS 120000u

typedef struct LEASE_STORE {
    UINT32 Number;
    wchar_t Owner[ARRAYSIZE(((LEASE_ANSWER *)0)->Owner)];
    wchar_t Journal[PATH_PREFIX_CHARS + PATH_CHARS_MAX + 1];
    BOOL Used;
    UINT64 Ticks;
} LEASE_STORE;

_Acquires_lock_(*Mutex) static DWORD LeaseLock(_Out_ HANDLE *Mutex)
{
    ADMIN_ONLY security;
    DWORD error = AdminOnlyInit(&security);

    *Mutex = NULL;
    if (error != ERROR_SUCCESS)
        return error;
    *Mutex = CreateMutexW(&security.Attributes, FALSE, LEASE_MUTEX);
    if (*Mutex == NULL)
        error = GetLastError();
    AdminOnlyFree(&security);
    if (error != ERROR_SUCCESS)
        return error;
    switch (WaitForSingleObject(*Mutex, LEASE_MUTEX_MS)) {
    case WAIT_OBJECT_0:
    case WAIT_ABANDONED: /* what is half written has no owner: LeaseWrite */
        return ERROR_SUCCESS;
    case WAIT_TIMEOUT:
        error = ERROR_TIMEOUT;
        break;
    default:
        error = GetLastError();
    }
    CloseHandle(*Mutex);
    *Mutex = NULL;
    return error;
}

_Releases_lock_(Mutex) static void LeaseUnlock(HANDLE Mutex)
{
    ReleaseMutex(Mutex);
    CloseHandle(Mutex);
}

/* Reads a value; one that is not there is left as it is. */
static DWORD LeaseValue(const wchar_t *Key, const wchar_t *Name, DWORD Flags, void *Value, DWORD Size)
{
    DWORD error = (DWORD)RegGetValueW(HKEY_LOCAL_MACHINE, Key, Name, Flags, NULL, Value, &Size);

    return error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND ? ERROR_SUCCESS : error;
}

static DWORD LeaseTouchAt(UINT64 Ticks)
{
    HKEY key;
    DWORD error = (DWORD)RegCreateKeyExW(HKEY_LOCAL_MACHINE, LEASE_USE_KEY, 0, NULL, REG_OPTION_VOLATILE,
                                         KEY_SET_VALUE, NULL, &key, NULL);

    if (error != ERROR_SUCCESS)
        return error;
    error = (DWORD)RegSetValueExW(key, LEASE_TICKS, 0, REG_QWORD, (const BYTE *)&Ticks, sizeof Ticks);
    RegCloseKey(key);
    return error;
}

/* Does a run live whose journal is at Path, or will it when the guest is up? */
static BOOL LeaseRuns(const wchar_t *Path, BOOL *Rebooting)
{
    JOURNAL_STATE state = JOURNAL_GONE;
    HANDLE file;

    *Rebooting = FALSE;
    if (Path[0] == L'\0')
        return FALSE;
    if (RunServiceAnnounced(Path)) /* it has no journal yet */
        return TRUE;
    file = CreateFileW(Path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                       OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
    if (file == INVALID_HANDLE_VALUE)
        return FALSE;
    (void)JournalLook(Path, file, &state);
    CloseHandle(file);
    *Rebooting = state == JOURNAL_REBOOTING;
    return JournalHeld(Path);
}

BOOL LeaseRunLives(const wchar_t *Journal)
{
    BOOL rebooting;

    return LeaseRuns(Journal, &rebooting) || rebooting;
}

/*
 * What is known of the lease. A run that has ordered a reboot goes on in the next boot, where nothing is
 * known of its use: its time begins when somebody first asks.
 */
static DWORD LeaseRead(LEASE_STORE *Store, BOOL *Running)
{
    UINT64 ticks = MAXUINT64;
    BOOL rebooting;
    DWORD error;

    *Store = (LEASE_STORE){0};
    error = LeaseValue(LEASE_KEY, LEASE_NUMBER, RRF_RT_REG_DWORD, &Store->Number, sizeof Store->Number);
    if (error == ERROR_SUCCESS)
        error = LeaseValue(LEASE_KEY, LEASE_OWNER, RRF_RT_REG_SZ, Store->Owner, sizeof Store->Owner);
    if (error == ERROR_SUCCESS)
        error = LeaseValue(LEASE_KEY, LEASE_JOURNAL, RRF_RT_REG_SZ, Store->Journal, sizeof Store->Journal);
    if (error == ERROR_SUCCESS)
        error = LeaseValue(LEASE_USE_KEY, LEASE_TICKS, RRF_RT_REG_QWORD, &ticks, sizeof ticks);
    if (error != ERROR_SUCCESS)
        return error;
    *Running = LeaseRuns(Store->Journal, &rebooting);
    if (ticks == MAXUINT64 && rebooting && Store->Owner[0] != L'\0') {
        ticks = GetTickCount64();
        error = LeaseTouchAt(ticks);
    }
    Store->Used = ticks != MAXUINT64;
    Store->Ticks = ticks;
    return error;
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

static DWORD LeaseSetText(HKEY Key, const wchar_t *Name, const wchar_t *Text)
{
    return (DWORD)RegSetValueExW(Key, Name, 0, REG_SZ, (const BYTE *)Text,
                                 (DWORD)((wcslen(Text) + 1) * sizeof *Text));
}

static DWORD LeaseOpen(HKEY *Key)
{
    return (DWORD)RegCreateKeyExW(HKEY_LOCAL_MACHINE, LEASE_KEY, 0, NULL, 0, KEY_SET_VALUE, NULL, Key, NULL);
}

/* Gives a number out. It is on the disk before anybody has it, so that no crash makes it come again. */
static DWORD LeaseWrite(UINT32 Number, const wchar_t *Owner)
{
    HKEY key;
    DWORD error = LeaseOpen(&key);

    if (error != ERROR_SUCCESS)
        return error;
    error = LeaseSetText(key, LEASE_OWNER, L"");
    if (error == ERROR_SUCCESS)
        error = (DWORD)RegSetValueExW(key, LEASE_NUMBER, 0, REG_DWORD, (const BYTE *)&Number, sizeof Number);
    if (error == ERROR_SUCCESS)
        error = LeaseSetText(key, LEASE_JOURNAL, L"");
    if (error == ERROR_SUCCESS)
        error = LeaseSetText(key, LEASE_OWNER, Owner);
    if (error == ERROR_SUCCESS)
        error = (DWORD)RegFlushKey(key);
    RegCloseKey(key);
    return error;
}

static DWORD LeaseWriteText(const wchar_t *Name, const wchar_t *Text)
{
    HKEY key;
    DWORD error = LeaseOpen(&key);

    if (error != ERROR_SUCCESS)
        return error;
    error = LeaseSetText(key, Name, Text);
    RegCloseKey(key);
    return error;
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
        error = LeaseWriteText(LEASE_JOURNAL, Journal);
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
    UINT32 now = 0;

    /* What can't be read is not known to be another's. */
    return LeaseValue(LEASE_KEY, LEASE_NUMBER, RRF_RT_REG_DWORD, &now, sizeof now) == ERROR_SUCCESS &&
           now != Number;
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

int CommandRenew(int Argc, wchar_t **Argv)
{
    return LeaseCommand(Argc, Argv, "keep the guest");
}

int CommandRelease(int Argc, wchar_t **Argv)
{
    DWORD error;
    int code = LeaseCommand(Argc, Argv, "give the guest back");

    if (code != EXIT_DONE)
        return code;
    /* Nobody else gets a number while this one is in force. */
    error = LeaseWriteText(LEASE_OWNER, L"");
    return error == ERROR_SUCCESS ? EXIT_DONE : Complain("give the guest back", NULL, error);
}
