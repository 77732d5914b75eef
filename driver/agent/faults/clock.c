/*
 * clock.c - `clock`: sets the guest's clock wrong, so that one can see what depends on it. What the time
 * would be is kept in the registry until the next boot, so that whoever finds it there can set it right.
 */
#include "commands.h"
#include "complain.h"
#include "faults.h"
#include "options.h"
#include "security.h"
#include "stream.h"

#define CLOCK_KEY   L"SOFTWARE\\wskharness\\Clock"
#define CLOCK_VALUE L"AtBoot" /* REG_QWORD: the time by a right clock, less that since the boot */
#define CLOCK_MUTEX L"Global\\wskharness-clock"

#define PER_MS     10000u /* a FILETIME counts 100 ns */
#define PER_SECOND (1000ull * PER_MS)

/* A clock that is no further off than this, some service has set right meanwhile. */
#define NEAR_SECONDS 60u

/* Ten years: nothing that is to be seen takes more. */
#define SHIFT_SECONDS_MAX (10u * 366u * 86400u)

static UINT64 Now(void)
{
    FILETIME now;

    GetSystemTimeAsFileTime(&now);
    return (UINT64)now.dwHighDateTime << 32 | now.dwLowDateTime;
}

static UINT64 SinceBoot(void) { return GetTickCount64() * PER_MS; }

static BOOL IsNear(UINT64 One, UINT64 Other)
{
    return (One > Other ? One - Other : Other - One) < NEAR_SECONDS * PER_SECOND;
}

/* Sets the clock, and looks whether it went: a system may say so and do nothing. */
static DWORD Set(UINT64 Time)
{
    FILETIME file = {.dwLowDateTime = (DWORD)Time, .dwHighDateTime = (DWORD)(Time >> 32)};
    SYSTEMTIME system;

    if (!FileTimeToSystemTime(&file, &system) || !SetSystemTime(&system))
        return GetLastError();
    return IsNear(Now(), Time) ? ERROR_SUCCESS : ERROR_NOT_SUPPORTED;
}

static DWORD Remember(UINT64 AtBoot)
{
    HKEY key;
    DWORD error = (DWORD)RegCreateKeyExW(HKEY_LOCAL_MACHINE, CLOCK_KEY, 0, NULL, REG_OPTION_VOLATILE,
                                         KEY_SET_VALUE, NULL, &key, NULL);

    if (error != ERROR_SUCCESS)
        return error;
    error = (DWORD)RegSetValueExW(key, CLOCK_VALUE, 0, REG_QWORD, (const BYTE *)&AtBoot, sizeof AtBoot);
    RegCloseKey(key);
    return error;
}

/* Sets the clock right by what is remembered, and forgets it. Nothing remembered: nothing to do. */
static DWORD SetBack(void)
{
    UINT64 atBoot = 0;
    DWORD size = sizeof atBoot;
    DWORD error = (DWORD)RegGetValueW(HKEY_LOCAL_MACHINE, CLOCK_KEY, CLOCK_VALUE, RRF_RT_REG_QWORD, NULL,
                                      &atBoot, &size);

    if (error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND)
        return ERROR_SUCCESS;
    if (error == ERROR_SUCCESS && !IsNear(Now(), atBoot + SinceBoot()))
        error = Set(atBoot + SinceBoot());
    if (error == ERROR_SUCCESS)
        error = (DWORD)RegDeleteKeyW(HKEY_LOCAL_MACHINE, CLOCK_KEY);
    return error;
}

/* The mutex is there while a `clock` is at it, whoever asks for it then gets NULL and ERROR_ALREADY_EXISTS.
 */
static HANDLE Claim(DWORD *Error)
{
    ADMIN_ONLY security;
    HANDLE mutex;

    *Error = AdminOnlyInit(&security);
    if (*Error != ERROR_SUCCESS)
        return NULL;
    mutex = CreateMutexW(&security.Attributes, FALSE, CLOCK_MUTEX);
    *Error = GetLastError();
    AdminOnlyFree(&security);
    if (mutex != NULL && *Error == ERROR_ALREADY_EXISTS) {
        CloseHandle(mutex);
        mutex = NULL;
    }
    return mutex;
}

static DWORD SetWrong(UINT64 Seconds, DWORD Ms)
{
    static const char told[] = "{\"ok\":true}\n";
    UINT64 now = Now();
    DWORD back, error = Remember(now - SinceBoot());

    if (error == ERROR_SUCCESS)
        error = Set(now + Seconds * PER_SECOND);
    if (error == ERROR_SUCCESS)
        error = WriteFully(GetStdHandle(STD_OUTPUT_HANDLE), told, sizeof told - 1);
    if (error == ERROR_SUCCESS)
        HoldWhileWanted(Ms);
    back = SetBack();
    return error != ERROR_SUCCESS ? error : back;
}

int CommandClock(int Argc, wchar_t **Argv)
{
    const wchar_t *secondsText = NULL, *msText = NULL;
    const OPTION options[] = {{.Name = L"--ahead", .Value = &secondsText},
                              {.Name = L"--for", .Value = &msText}};
    UINT64 seconds, ms;
    HANDLE mutex;
    DWORD error;

    if (!OptionsParse(Argc, Argv, options, ARRAYSIZE(options)) || secondsText == NULL || msText == NULL ||
        !ParseU64(secondsText, &seconds) || !ParseU64(msText, &ms) || seconds > SHIFT_SECONDS_MAX ||
        ms > HOLD_MS_MAX)
        return EXIT_USAGE;
    mutex = Claim(&error);
    if (mutex != NULL) {
        error = SetWrong(seconds, (DWORD)ms);
        CloseHandle(mutex);
    }
    return error == ERROR_SUCCESS ? EXIT_DONE : Complain("set the clock of", L"the guest", error);
}

void ClockTidy(void)
{
    DWORD error;
    HANDLE mutex = Claim(&error);

    if (mutex == NULL)
        return; /* a `clock` is at it, or another agent tidies up */
    error = SetBack();
    CloseHandle(mutex);
    if (error != ERROR_SUCCESS)
        (void)Complain("set right the clock that a `clock` has left wrong in", L"the guest", error);
}
