/* leasestore.c - the lease in the registry, and whether the newest run of its owner lives. */
#include "leasestore.h"
#include "journal.h"
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

DWORD LeaseLock(HANDLE *Mutex)
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
    case WAIT_ABANDONED: return ERROR_SUCCESS; /* what is half written has no owner: LeaseWrite */
    case WAIT_TIMEOUT: error = ERROR_TIMEOUT; break;
    default: error = GetLastError();
    }
    CloseHandle(*Mutex);
    *Mutex = NULL;
    return error;
}

void LeaseUnlock(HANDLE Mutex)
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

DWORD LeaseTouchAt(UINT64 Ticks)
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

BOOL LeaseRuns(const wchar_t *Path, BOOL *Rebooting)
{
    JOURNAL_STATE state;

    *Rebooting = FALSE;
    if (Path[0] == L'\0')
        return FALSE;
    if (RunServiceAnnounced(Path)) /* it has no journal yet */
        return TRUE;
    (void)JournalLookAt(Path, &state);
    *Rebooting = state == JOURNAL_REBOOTING;
    return JournalHeld(Path);
}

DWORD LeaseRead(LEASE_STORE *Store, BOOL *Running)
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

static DWORD LeaseSetText(HKEY Key, const wchar_t *Name, const wchar_t *Text)
{
    return (DWORD)RegSetValueExW(Key, Name, 0, REG_SZ, (const BYTE *)Text,
                                 (DWORD)((wcslen(Text) + 1) * sizeof *Text));
}

static DWORD LeaseOpen(HKEY *Key)
{
    return (DWORD)RegCreateKeyExW(HKEY_LOCAL_MACHINE, LEASE_KEY, 0, NULL, 0, KEY_SET_VALUE, NULL, Key, NULL);
}

DWORD LeaseWrite(UINT32 Number, const wchar_t *Owner)
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

DWORD LeaseNoteOwner(const wchar_t *Owner) { return LeaseWriteText(LEASE_OWNER, Owner); }

DWORD LeaseNoteJournal(const wchar_t *Journal) { return LeaseWriteText(LEASE_JOURNAL, Journal); }

DWORD LeaseNewest(UINT32 *Number)
{
    *Number = 0;
    return LeaseValue(LEASE_KEY, LEASE_NUMBER, RRF_RT_REG_DWORD, Number, sizeof *Number);
}
