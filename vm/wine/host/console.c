/* console.c - consoles: each command that runs has one to itself, with the code page that it was asked for.
 *
 * A console lives as long as a process is attached to it. So each has a keeper, this program once more, which
 * does nothing else; the host attaches itself to a keeper's console for as long as it takes to set it up and
 * to create a command, which inherits it. A command is alone with what it does to its console: chcp, a title,
 * GenerateConsoleCtrlEvent. When it is over, with all that it started, the next one gets the console.
 *
 * All but GiveConsole is for the reader only: a process can be attached to one console at a time.
 */
#include "host.h"

#define MAX_IDLE        4u /* consoles that are kept for commands to come */
#define ATTACH_LIMIT_MS 30000u
#define ATTACH_PAUSE_MS 2u

struct CONSOLE {
    CONSOLE *Next;
    HANDLE Keeper;
    DWORD KeeperId;
};

BOOL MakeKeeperJob(HOST *Host)
{
    Host->Keepers = MakeJob();
    return Host->Keepers != NULL;
}

int KeepConsole(void)
{
    Sleep(INFINITE); /* it ends with its console's last command, or with the host: its job sees to that */
    return 0;
}

static void EndConsole(HOST *Host, CONSOLE *Console)
{
    TerminateProcess(Console->Keeper, 0);
    CloseHandle(Console->Keeper);
    Free(Host, Console);
}

/* Starts a keeper, without waiting for its console to be there. */
static DWORD StartKeeper(HOST *Host, CONSOLE **Started)
{
    static const WCHAR Argument[] = L" console";
    WCHAR Line[MAX_PATH + 16];
    STARTUPINFOW Startup;
    PROCESS_INFORMATION Process;
    CONSOLE *Console;
    DWORD Error = 0;
    DWORD Length = GetModuleFileNameW(NULL, Line, MAX_PATH);
    if (Length == 0 || Length >= MAX_PATH)
        return ERROR_BAD_PATHNAME;
    Console = Allocate(Host, sizeof(*Console));
    if (Console == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    lstrcpyW(Line + Length, Argument);
    ZeroMemory(&Startup, sizeof(Startup));
    Startup.cb = sizeof(Startup);
    /* It gets no handle of ours: neither it nor the console's server may hold the endpoint's pipes open. */
    Startup.dwFlags = STARTF_USESTDHANDLES;
    if (!CreateProcessW(NULL, Line, NULL, NULL, FALSE, CREATE_SUSPENDED | CREATE_NO_WINDOW, NULL, NULL,
                        &Startup, &Process)) {
        Error = GetLastError();
        Free(Host, Console);
        return Error;
    }
    Console->Keeper = Process.hProcess;
    Console->KeeperId = Process.dwProcessId;
    if (!AssignProcessToJobObject(Host->Keepers, Process.hProcess))
        Error = GetLastError();
    ResumeThread(Process.hThread);
    CloseHandle(Process.hThread);
    if (Error != 0)
        EndConsole(Host, Console);
    else
        *Started = Console;
    return Error;
}

/* Attaches this process to a console. A keeper that has just been started makes it first. */
static DWORD Attach(const CONSOLE *Console)
{
    ULONGLONG Limit = GetTickCount64() + ATTACH_LIMIT_MS;
    while (!AttachConsole(Console->KeeperId)) {
        DWORD Error = GetLastError();
        if (GetTickCount64() >= Limit)
            return Error;
        if (WaitForSingleObject(Console->Keeper, ATTACH_PAUSE_MS) == WAIT_OBJECT_0)
            return ERROR_PROCESS_ABORTED; /* somebody in the guest has ended it */
    }
    return 0;
}

static CONSOLE *TakeIdle(HOST *Host)
{
    CONSOLE *Console;
    EnterCriticalSection(&Host->Lock);
    Console = Host->Idle;
    if (Console != NULL) {
        Host->Idle = Console->Next;
        Host->IdleCount--;
    }
    LeaveCriticalSection(&Host->Lock);
    return Console;
}

/* A console that this process is attached to: one that is idle, if there is one that still answers. */
static DWORD TakeConsole(HOST *Host, CONSOLE **Taken)
{
    for (;;) {
        CONSOLE *Console = TakeIdle(Host);
        BOOL IsNew = Console == NULL;
        DWORD Error = 0;
        if (IsNew)
            Error = StartKeeper(Host, &Console);
        if (Error == 0)
            Error = Attach(Console);
        if (Error == 0) {
            *Taken = Console;
            return 0;
        }
        if (Console != NULL)
            EndConsole(Host, Console);
        if (IsNew)
            return Error;
    }
}

DWORD EnterConsole(HOST *Host, UINT32 CodePage, CONSOLE **Entered)
{
    CONSOLE *Console = NULL;
    DWORD Error = TakeConsole(Host, &Console);
    if (Error != 0)
        return Error;
    if (!SetConsoleCP(CodePage) || !SetConsoleOutputCP(CodePage)) {
        Error = GetLastError();
        LeaveConsole();
        GiveConsole(Host, Console);
        return Error;
    }
    *Entered = Console;
    return 0;
}

void LeaveConsole(void) { FreeConsole(); }

void GiveConsole(HOST *Host, CONSOLE *Console)
{
    BOOL Kept;
    if (Console == NULL)
        return;
    EnterCriticalSection(&Host->Lock);
    Kept = Host->IdleCount < MAX_IDLE;
    if (Kept) {
        Console->Next = Host->Idle;
        Host->Idle = Console;
        Host->IdleCount++;
    }
    LeaveCriticalSection(&Host->Lock);
    if (!Kept)
        EndConsole(Host, Console);
}

DWORD TryCodePage(HOST *Host, UINT32 CodePage)
{
    CONSOLE *Console = NULL;
    DWORD Error = EnterConsole(Host, CodePage, &Console);
    if (Error == 0) {
        LeaveConsole();
        GiveConsole(Host, Console);
    }
    return Error;
}

void PrepareConsole(HOST *Host)
{
    CONSOLE *Console = NULL;
    if (StartKeeper(Host, &Console) == 0)
        GiveConsole(Host, Console);
}
