/* spawn.c - the start of a command: what a spawn frame says, its environment, pipes and process. */
#include "host.h"

#define PIPE_SIZE    (256u * 1024u)
#define MAX_COMMANDS 256u

/* The payload of a spawn frame, taken apart. All point into the payload. */
typedef struct {
    WCHAR *Line, *Directory;
    const WCHAR *Variables, *End; /* NAME=VALUE strings, each with its NUL, up to End */
} SPAWN;

static WCHAR *NextString(WCHAR *At, const WCHAR *End)
{
    while (At < End && *At != 0)
        At++;
    return At < End ? At + 1 : NULL;
}

static BOOL ParseSpawn(UINT8 *Payload, UINT32 Length, SPAWN *Spawn)
{
    WCHAR *At = (WCHAR *)(void *)Payload;
    const WCHAR *End = At + Length / sizeof(WCHAR);
    if (Length % sizeof(WCHAR) != 0 || Length < 2 * sizeof(WCHAR) || End[-1] != 0)
        return FALSE;
    Spawn->Line = At;
    Spawn->Directory = NextString(At, End);
    if (Spawn->Directory == NULL)
        return FALSE;
    Spawn->Variables = NextString(Spawn->Directory, End);
    Spawn->End = End;
    return Spawn->Variables != NULL;
}

/* Length of NAME in NAME=VALUE; names like "=C:" start with the sign that ends others. */
static int NameLength(const WCHAR *Variable)
{
    int Length = 1;
    while (Variable[0] != 0 && Variable[Length] != 0 && Variable[Length] != L'=')
        Length++;
    return Length;
}

static BOOL IsOverridden(const WCHAR *Variable, const SPAWN *Spawn)
{
    const WCHAR *At;
    int Length = NameLength(Variable);
    for (At = Spawn->Variables; At < Spawn->End; At += lstrlenW(At) + 1) {
        if (NameLength(At) == Length &&
            CompareStringOrdinal(At, Length, Variable, Length, TRUE) == CSTR_EQUAL)
            return TRUE;
    }
    return FALSE;
}

/* The host's own environment with the command's variables over it; NULL without memory. */
static WCHAR *MakeEnvironment(HOST *Host, const SPAWN *Spawn)
{
    WCHAR *Own = GetEnvironmentStringsW();
    WCHAR *Block = NULL, *To;
    const WCHAR *At;
    SIZE_T Extra = (SIZE_T)(Spawn->End - Spawn->Variables);

    if (Own == NULL)
        return NULL;
    for (At = Own; *At != 0; At += lstrlenW(At) + 1)
        continue;
    Block = Allocate(Host, ((SIZE_T)(At - Own) + Extra + 2) * sizeof(WCHAR));
    if (Block == NULL)
        goto Exit;
    To = Block;
    for (At = Own; *At != 0; At += lstrlenW(At) + 1) {
        if (IsOverridden(At, Spawn))
            continue;
        lstrcpyW(To, At);
        To += lstrlenW(At) + 1;
    }
    for (At = Spawn->Variables; At < Spawn->End; At += lstrlenW(At) + 1) {
        if (*At == 0)
            continue; /* an empty string would end the block early */
        lstrcpyW(To, At);
        To += lstrlenW(At) + 1;
    }
Exit:
    FreeEnvironmentStringsW(Own);
    return Block;
}

/* A pipe of which one end is ours and the other one, inheritable, is the command's. */
static BOOL MakePipe(HANDLE *Ours, HANDLE *Theirs, BOOL WeRead)
{
    HANDLE Read, Write;
    if (!CreatePipe(&Read, &Write, NULL, PIPE_SIZE))
        return FALSE;
    *Ours = WeRead ? Read : Write;
    *Theirs = WeRead ? Write : Read;
    return SetHandleInformation(*Theirs, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
}

/* Creates the process, suspended and in its job. Returns the Win32 error, 0 for success; *Thread is
 * then the caller's. */
static DWORD CreateSuspended(COMMAND *Command, const SPAWN *Spawn, HANDLE *Thread, DWORD *ProcessId)
{
    HANDLE Theirs[3] = {NULL, NULL, NULL};
    STARTUPINFOW Startup;
    PROCESS_INFORMATION Process;
    WCHAR *Environment = NULL;
    DWORD Error = 0;
    UINT32 I;

    ZeroMemory(&Startup, sizeof(Startup));
    Environment = MakeEnvironment(Command->Host, Spawn);
    if (Environment == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    if (!MakePipe(&Command->InputPipe, &Theirs[0], FALSE) ||
        !MakePipe(&Command->Output[0].Pipe, &Theirs[1], TRUE) ||
        !MakePipe(&Command->Output[1].Pipe, &Theirs[2], TRUE)) {
        Error = GetLastError();
        goto Exit;
    }
    Startup.cb = sizeof(Startup);
    Startup.dwFlags = STARTF_USESTDHANDLES;
    Startup.hStdInput = Theirs[0];
    Startup.hStdOutput = Theirs[1];
    Startup.hStdError = Theirs[2];
    if (!CreateProcessW(NULL, Spawn->Line, NULL, NULL, TRUE,
                        CREATE_SUSPENDED | CREATE_UNICODE_ENVIRONMENT | CREATE_NEW_PROCESS_GROUP, Environment,
                        Spawn->Directory[0] != 0 ? Spawn->Directory : NULL, &Startup, &Process)) {
        Error = GetLastError();
        goto Exit;
    }
    Command->Process = Process.hProcess;
    *Thread = Process.hThread;
    *ProcessId = Process.dwProcessId;
    if (!AssignProcessToJobObject(Command->Job, Process.hProcess)) {
        Error = GetLastError();
        TerminateProcess(Process.hProcess, Error);
        CloseHandle(Process.hThread);
    }
Exit:
    for (I = 0; I < 3; I++)
        CloseAndClear(&Theirs[I]);
    Free(Command->Host, Environment);
    return Error;
}

void Spawn(HOST *Host, UINT32 Id, UINT32 CodePage, UINT8 *Payload, UINT32 Length)
{
    SPAWN What;
    COMMAND *Command = NULL;
    HANDLE Thread = NULL;
    DWORD ProcessId = 0, Error;

    if (!ParseSpawn(Payload, Length, &What)) {
        Send(Host, FRAME_REFUSED, Id, 0, ERROR_INVALID_PARAMETER);
        return;
    }
    if (Host->CommandCount >= MAX_COMMANDS || (Command = MakeCommand(Host, Id)) == NULL) {
        Send(Host, FRAME_REFUSED, Id, 0, ERROR_NOT_ENOUGH_MEMORY);
        return;
    }
    Error = EnterConsole(Host, CodePage, &Command->Console);
    if (Error == 0) {
        Error = CreateSuspended(Command, &What, &Thread, &ProcessId); /* it inherits the console */
        LeaveConsole();
    }
    if (Error != 0) {
        Discard(Command);
        Send(Host, FRAME_REFUSED, Id, 0, Error);
        return;
    }
    Link(Command);
    Send(Host, FRAME_STARTED, Id, 0, ProcessId);
    if (!StartThreads(Command))
        ExitProcess(ERROR_NOT_ENOUGH_MEMORY);
    ResumeThread(Thread);
    CloseHandle(Thread);
}
