/*
 * winrshost.c - runs commands inside a Wine guest for the WinRM endpoint outside it.
 *
 * One process for the life of a boot. It reads frames on standard input and writes frames on
 * standard output; package vm/wine holds the other end (frame.go) and the same numbers. All
 * commands share the two pipes, so every stream has a window: the sender of a stream may have that
 * many bytes on the way, and the receiver grants more when it has passed some on. A slow reader
 * therefore stops its own command and nobody else's, and nothing is buffered without bound.
 *
 * Threads: the reader (the first thread) handles frames and never waits for a command; it is also
 * the only one that creates processes, so that no command inherits another one's pipes. Each
 * command has one thread per output, one for its input, and one that awaits its end and puts
 * everything away. Frames are written whole, under HOST.OutLock.
 *
 * Everything a command starts lives in its job object and dies with it.
 */
#define WIN32_LEAN_AND_MEAN
#ifndef _WIN32_WINNT
#define _WIN32_WINNT 0x0A00
#endif
#include <windows.h>

#define HOST_PROTOCOL 1u

#define FRAME_DATA_MAX  (128u * 1024u) /* payload of a data frame */
#define FRAME_SPAWN_MAX (256u * 1024u) /* payload of a spawn frame */
#define WINDOW          (1024u * 1024u)
#define INPUT_GRANT     (WINDOW / 4u) /* input is granted anew in pieces of at least this size */
#define PIPE_SIZE       (256u * 1024u)
#define MAX_COMMANDS    256u
#define MAX_WATCHES     64u
#define THREAD_STACK    (64u * 1024u)
#define READY_LIMIT_MS  30000u

enum {                      /* to the host */
       FRAME_SPAWN = 1,     /* command; payload: UTF-16 line, directory, then NAME=VALUE…, each with NUL */
       FRAME_STDIN = 2,     /* command; payload */
       FRAME_STDIN_END = 3, /* command: no more input */
       FRAME_GRANT = 4,     /* command, stream, value: that many more bytes may be sent */
       FRAME_TERMINATE = 5, /* command, value: end its tree with this exit code */
       FRAME_WATCH = 6,     /* command = process id: tell when it has ended */
       FRAME_HELLO = 16,    /* value: HOST_PROTOCOL */
       FRAME_READY = 17,    /* value: Win32 error, 0 when commands run and drivers can be loaded */
       FRAME_STARTED = 18,  /* command, value: process id */
       FRAME_REFUSED = 19,  /* command, value: the Win32 error of CreateProcess */
       FRAME_OUTPUT = 20,   /* command, stream; payload */
       FRAME_OUTPUT_END = 21,  /* command, stream */
       FRAME_EXIT = 22,        /* command, value: exit code; the last frame of a command */
       FRAME_STDIN_GRANT = 23, /* command, value */
       FRAME_STDIN_GONE = 24,  /* command: nobody reads its input any more */
       FRAME_WATCHED = 25      /* command = process id, value: exit code */
};

#pragma pack(push, 1)
typedef struct {
    UINT8 Type;
    UINT8 Stream; /* 1 standard output, 2 standard error */
    UINT16 Zero;
    UINT32 Command;
    UINT32 Value;
    UINT32 Length; /* of the payload that follows */
} FRAME;
#pragma pack(pop)

typedef struct HOST {
    HANDLE In, Out, Heap;
    CRITICAL_SECTION OutLock; /* one frame at a time on Out */
    CRITICAL_SECTION Lock;    /* Commands, CommandCount, and the windows of all commands */
    struct COMMAND *Commands;
    UINT32 CommandCount;
    volatile LONG Watches;
} HOST;

typedef struct {
    struct COMMAND *Command;
    HANDLE Pipe;    /* our end */
    HANDLE Thread;  /* owned by the command's waiter */
    HANDLE Granted; /* auto-reset: Window grew, or Stop was set */
    UINT32 Window;  /* bytes that may still be sent; HOST.Lock */
    UINT8 Stream;
} OUTPUT;

typedef struct COMMAND {
    struct COMMAND *Next;
    HOST *Host;
    UINT32 Id;
    HANDLE Process, Job;
    OUTPUT Output[2];
    /* Input: a ring that the reader fills within the window that was granted, so it never overflows. */
    HANDLE InputPipe, InputThread, InputThere;
    UINT8 *Ring;
    UINT32 RingStart, RingUsed; /* HOST.Lock */
    BOOL InputEnd;              /* HOST.Lock: no more will come */
    BOOL Stop;                  /* HOST.Lock: the command is over, threads go home */
} COMMAND;

typedef struct {
    HOST *Host;
    HANDLE Process;
    UINT32 Id;
} WATCH;

/* ---- frames ---- */

/* Reads exactly Length bytes; FALSE at the end of the pipe: the endpoint is gone. */
static BOOL ReadAll(HANDLE File, void *Buffer, UINT32 Length)
{
    UINT8 *At = Buffer;
    while (Length > 0) {
        DWORD Got = 0;
        if (!ReadFile(File, At, Length, &Got, NULL) || Got == 0)
            return FALSE;
        At += Got;
        Length -= Got;
    }
    return TRUE;
}

/* Writes all or ends the process: without its endpoint the host has no purpose, and KILL_ON_JOB_CLOSE
 * takes every command along. */
static void WriteAll(HOST *Host, const void *Buffer, UINT32 Length)
{
    const UINT8 *At = Buffer;
    while (Length > 0) {
        DWORD Put = 0;
        if (!WriteFile(Host->Out, At, Length, &Put, NULL) || Put == 0)
            ExitProcess(3);
        At += Put;
        Length -= Put;
    }
}

static void Send(HOST *Host, UINT8 Type, UINT32 Command, UINT8 Stream, UINT32 Value)
{
    FRAME Frame = {Type, Stream, 0, Command, Value, 0};
    EnterCriticalSection(&Host->OutLock);
    WriteAll(Host, &Frame, sizeof(Frame));
    LeaveCriticalSection(&Host->OutLock);
}

/* ---- small things ---- */

static void *Allocate(HOST *Host, SIZE_T Size)
{
    return HeapAlloc(Host->Heap, HEAP_ZERO_MEMORY, Size);
}

static void Free(HOST *Host, void *Memory)
{
    if (Memory != NULL)
        HeapFree(Host->Heap, 0, Memory);
}

static void CloseAndClear(HANDLE *Handle)
{
    if (*Handle != NULL)
        CloseHandle(*Handle);
    *Handle = NULL;
}

static UINT32 Least(UINT32 A, UINT32 B)
{
    return A < B ? A : B;
}

static void Copy(void *To, const void *From, SIZE_T Length)
{
    CopyMemory(To, From, Length);
}

/* ---- output: from a command's pipe to the endpoint ---- */

/* How much may be sent now; waits for a grant when the window is used up. 0: the command is over. The
 * wait has no limit because a reader may be slow for as long as it likes; Terminate and the end of the
 * endpoint both set Stop or end the process. */
static UINT32 AwaitWindow(OUTPUT *Output)
{
    HOST *Host = Output->Command->Host;
    for (;;) {
        UINT32 Window;
        BOOL Stop;
        EnterCriticalSection(&Host->Lock);
        Window = Output->Window;
        Stop = Output->Command->Stop;
        LeaveCriticalSection(&Host->Lock);
        if (Stop)
            return 0;
        if (Window > 0)
            return Window;
        WaitForSingleObject(Output->Granted, INFINITE);
    }
}

static DWORD WINAPI OutputThread(void *Parameter)
{
    OUTPUT *Output = Parameter;
    HOST *Host = Output->Command->Host;
    UINT8 *Buffer = Allocate(Host, sizeof(FRAME) + FRAME_DATA_MAX);
    UINT32 Window;

    while (Buffer != NULL && (Window = AwaitWindow(Output)) > 0) {
        FRAME Frame = {FRAME_OUTPUT, Output->Stream, 0, Output->Command->Id, 0, 0};
        DWORD Got = 0;
        /* Ends at the latest when the job is terminated: nobody then holds the pipe's other end. */
        if (!ReadFile(Output->Pipe, Buffer + sizeof(Frame), Least(Window, FRAME_DATA_MAX), &Got, NULL))
            break;
        if (Got == 0)
            continue; /* somebody wrote nothing to the pipe; that is not its end */
        EnterCriticalSection(&Host->Lock);
        Output->Window -= Got;
        LeaveCriticalSection(&Host->Lock);
        Frame.Length = Got;
        Copy(Buffer, &Frame, sizeof(Frame));
        EnterCriticalSection(&Host->OutLock);
        WriteAll(Host, Buffer, (UINT32)sizeof(Frame) + Got);
        LeaveCriticalSection(&Host->OutLock);
    }
    Free(Host, Buffer);
    Send(Host, FRAME_OUTPUT_END, Output->Command->Id, Output->Stream, 0);
    return 0;
}

/* ---- input: from the endpoint to a command's pipe ---- */

/* Takes up to a frame's worth out of the ring; 0 when there will be no more. */
static UINT32 TakeInput(COMMAND *Command, UINT8 *Buffer)
{
    HOST *Host = Command->Host;
    for (;;) {
        UINT32 Length;
        BOOL End;
        EnterCriticalSection(&Host->Lock);
        Length = Least(Command->RingUsed, FRAME_DATA_MAX);
        Length = Least(Length, WINDOW - Command->RingStart);
        Copy(Buffer, Command->Ring + Command->RingStart, Length);
        Command->RingStart = (Command->RingStart + Length) % WINDOW;
        Command->RingUsed -= Length;
        End = Command->Stop || (Command->InputEnd && Length == 0);
        LeaveCriticalSection(&Host->Lock);
        if (End)
            return 0;
        if (Length > 0)
            return Length;
        /* No limit: a command may wait for its input for ever. The waiter wakes this thread. */
        WaitForSingleObject(Command->InputThere, INFINITE);
    }
}

static BOOL WritePipe(HANDLE Pipe, const UINT8 *Buffer, UINT32 Length)
{
    while (Length > 0) {
        DWORD Put = 0;
        /* Blocks while the command does not read; fails when the last reader is gone. */
        if (!WriteFile(Pipe, Buffer, Length, &Put, NULL))
            return FALSE;
        Buffer += Put;
        Length -= Put;
    }
    return TRUE;
}

static DWORD WINAPI InputThread(void *Parameter)
{
    COMMAND *Command = Parameter;
    HOST *Host = Command->Host;
    UINT8 *Buffer = Allocate(Host, FRAME_DATA_MAX);
    UINT32 Length, Passed = 0;

    while (Buffer != NULL && (Length = TakeInput(Command, Buffer)) > 0) {
        if (!WritePipe(Command->InputPipe, Buffer, Length)) {
            Send(Host, FRAME_STDIN_GONE, Command->Id, 0, 0);
            break;
        }
        Passed += Length;
        if (Passed >= INPUT_GRANT) {
            Send(Host, FRAME_STDIN_GRANT, Command->Id, 0, Passed);
            Passed = 0;
        }
    }
    CloseAndClear(&Command->InputPipe); /* only this thread uses it: the command sees the end */
    Free(Host, Buffer);
    return 0;
}

/* ---- the end of a command ---- */

static void Unlink(COMMAND *Command)
{
    HOST *Host = Command->Host;
    COMMAND **At;
    EnterCriticalSection(&Host->Lock);
    for (At = &Host->Commands; *At != NULL; At = &(*At)->Next) {
        if (*At == Command) {
            *At = Command->Next;
            Host->CommandCount--;
            break;
        }
    }
    LeaveCriticalSection(&Host->Lock);
}

/* Frees a command whose threads are gone or were never started. */
static void Discard(COMMAND *Command)
{
    UINT32 I;
    for (I = 0; I < 2; I++) {
        CloseAndClear(&Command->Output[I].Pipe);
        CloseAndClear(&Command->Output[I].Thread);
        CloseAndClear(&Command->Output[I].Granted);
    }
    CloseAndClear(&Command->InputPipe);
    CloseAndClear(&Command->InputThread);
    CloseAndClear(&Command->InputThere);
    CloseAndClear(&Command->Process);
    CloseAndClear(&Command->Job);
    Free(Command->Host, Command->Ring);
    Free(Command->Host, Command);
}

/* Awaits the process, then its output: like on Windows, what the command left running keeps the
 * command open for as long as it holds the output. Then the job takes the rest of the tree. */
static DWORD WINAPI WaitThread(void *Parameter)
{
    COMMAND *Command = Parameter;
    HOST *Host = Command->Host;
    HANDLE Outputs[2] = {Command->Output[0].Thread, Command->Output[1].Thread};
    DWORD ExitCode = 0;
    UINT32 I;

    WaitForSingleObject(Command->Process, INFINITE); /* a command may run for ever; Terminate ends it */
    if (!GetExitCodeProcess(Command->Process, &ExitCode))
        ExitCode = GetLastError();
    WaitForMultipleObjects(2, Outputs, TRUE, INFINITE); /* until end of output or Terminate */
    TerminateJobObject(Command->Job, ExitCode);

    Unlink(Command); /* from here on the reader does not find it any more */
    EnterCriticalSection(&Host->Lock);
    Command->Stop = TRUE;
    LeaveCriticalSection(&Host->Lock);
    for (I = 0; I < 2; I++)
        SetEvent(Command->Output[I].Granted);
    SetEvent(Command->InputThere);
    WaitForSingleObject(Command->InputThread, INFINITE); /* its reader is dead, so its write has failed */

    Send(Host, FRAME_EXIT, Command->Id, 0, ExitCode);
    Discard(Command);
    return 0;
}

/* ---- the start of a command ---- */

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

static HANDLE MakeJob(void)
{
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION Limits;
    HANDLE Job = CreateJobObjectW(NULL, NULL);
    if (Job == NULL)
        return NULL;
    ZeroMemory(&Limits, sizeof(Limits));
    Limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
    SetInformationJobObject(Job, JobObjectExtendedLimitInformation, &Limits, sizeof(Limits));
    return Job;
}

static COMMAND *MakeCommand(HOST *Host, UINT32 Id)
{
    COMMAND *Command = Allocate(Host, sizeof(*Command));
    UINT32 I;
    if (Command == NULL)
        return NULL;
    Command->Host = Host;
    Command->Id = Id;
    Command->Ring = Allocate(Host, WINDOW);
    Command->InputThere = CreateEventW(NULL, FALSE, FALSE, NULL);
    Command->Job = MakeJob();
    for (I = 0; I < 2; I++) {
        OUTPUT *Output = &Command->Output[I];
        Output->Command = Command;
        Output->Stream = (UINT8)(I + 1);
        Output->Window = WINDOW;
        Output->Granted = CreateEventW(NULL, FALSE, FALSE, NULL);
    }
    if (Command->Ring == NULL || Command->InputThere == NULL || Command->Job == NULL ||
        Command->Output[0].Granted == NULL || Command->Output[1].Granted == NULL) {
        Discard(Command);
        return NULL;
    }
    return Command;
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

/* Starts the command's threads. After TRUE the command belongs to its waiter. Without threads the host
 * is of no use, so failure is for the caller to end everything. */
static BOOL StartThreads(COMMAND *Command)
{
    HANDLE Waiter;
    UINT32 I;
    for (I = 0; I < 2; I++) {
        Command->Output[I].Thread =
            CreateThread(NULL, THREAD_STACK, OutputThread, &Command->Output[I], 0, NULL);
        if (Command->Output[I].Thread == NULL)
            return FALSE;
    }
    Command->InputThread = CreateThread(NULL, THREAD_STACK, InputThread, Command, 0, NULL);
    if (Command->InputThread == NULL)
        return FALSE;
    Waiter = CreateThread(NULL, THREAD_STACK, WaitThread, Command, 0, NULL);
    if (Waiter == NULL)
        return FALSE;
    CloseHandle(Waiter);
    return TRUE;
}

static void Spawn(HOST *Host, UINT32 Id, UINT8 *Payload, UINT32 Length)
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
    Error = CreateSuspended(Command, &What, &Thread, &ProcessId);
    if (Error != 0) {
        Discard(Command);
        Send(Host, FRAME_REFUSED, Id, 0, Error);
        return;
    }
    EnterCriticalSection(&Host->Lock);
    Command->Next = Host->Commands;
    Host->Commands = Command;
    Host->CommandCount++;
    LeaveCriticalSection(&Host->Lock);
    Send(Host, FRAME_STARTED, Id, 0, ProcessId);
    if (!StartThreads(Command))
        ExitProcess(ERROR_NOT_ENOUGH_MEMORY);
    ResumeThread(Thread);
    CloseHandle(Thread);
}

/* ---- frames for a running command ---- */

/* With HOST.Lock held. NULL: it has ended while the frame was on its way. */
static COMMAND *Find(HOST *Host, UINT32 Id)
{
    COMMAND *Command = Host->Commands;
    while (Command != NULL && Command->Id != Id)
        Command = Command->Next;
    return Command;
}

/* Puts input into the ring; FALSE when the endpoint sent more than it was granted. */
static BOOL PutInput(COMMAND *Command, const UINT8 *Data, UINT32 Length)
{
    UINT32 End = (Command->RingStart + Command->RingUsed) % WINDOW;
    UINT32 First = Least(Length, WINDOW - End);
    if (Length > WINDOW - Command->RingUsed)
        return FALSE;
    Copy(Command->Ring + End, Data, First);
    Copy(Command->Ring, Data + First, Length - First);
    Command->RingUsed += Length;
    return TRUE;
}

static void Grant(COMMAND *Command, UINT8 Stream, UINT32 Value)
{
    OUTPUT *Output;
    if (Stream < 1 || Stream > 2)
        return;
    Output = &Command->Output[Stream - 1];
    Output->Window += Least(Value, WINDOW - Least(Output->Window, WINDOW));
    SetEvent(Output->Granted);
}

/* Ends the tree. Output that nobody has read yet is dropped: whoever terminates does not want it. */
static void Terminate(COMMAND *Command, UINT32 ExitCode)
{
    UINT32 I;
    TerminateJobObject(Command->Job, ExitCode);
    Command->Stop = TRUE;
    for (I = 0; I < 2; I++)
        SetEvent(Command->Output[I].Granted);
    SetEvent(Command->InputThere);
}

static DWORD WINAPI WatchThread(void *Parameter)
{
    WATCH *Watch = Parameter;
    HOST *Host = Watch->Host;
    DWORD ExitCode = 0;
    WaitForSingleObject(Watch->Process, INFINITE); /* for the life of the boot */
    if (!GetExitCodeProcess(Watch->Process, &ExitCode))
        ExitCode = GetLastError();
    Send(Host, FRAME_WATCHED, Watch->Id, 0, ExitCode);
    CloseHandle(Watch->Process);
    InterlockedDecrement(&Host->Watches);
    Free(Host, Watch);
    return 0;
}

/* A process that cannot be opened has ended already: that is told like an end with the error as code. */
static void StartWatch(HOST *Host, UINT32 ProcessId)
{
    WATCH *Watch = NULL;
    HANDLE Thread = NULL;
    HANDLE Process = OpenProcess(SYNCHRONIZE | PROCESS_QUERY_LIMITED_INFORMATION, FALSE, ProcessId);
    if (Process == NULL) {
        Send(Host, FRAME_WATCHED, ProcessId, 0, GetLastError());
        return;
    }
    if (InterlockedIncrement(&Host->Watches) <= (LONG)MAX_WATCHES)
        Watch = Allocate(Host, sizeof(*Watch));
    if (Watch != NULL) {
        Watch->Host = Host;
        Watch->Process = Process;
        Watch->Id = ProcessId;
        Thread = CreateThread(NULL, THREAD_STACK, WatchThread, Watch, 0, NULL);
    }
    if (Thread == NULL) {
        InterlockedDecrement(&Host->Watches);
        CloseHandle(Process);
        Free(Host, Watch);
        return;
    }
    CloseHandle(Thread);
}

/* FALSE: the endpoint broke the protocol, or memory is corrupt; the host ends rather than guess. */
static BOOL HandleFrame(HOST *Host, const FRAME *Frame, UINT8 *Payload)
{
    COMMAND *Command;
    BOOL Sound = TRUE;

    if (Frame->Type == FRAME_SPAWN) {
        Spawn(Host, Frame->Command, Payload, Frame->Length);
        return TRUE;
    }
    if (Frame->Type == FRAME_WATCH) {
        StartWatch(Host, Frame->Command);
        return TRUE;
    }
    EnterCriticalSection(&Host->Lock);
    Command = Find(Host, Frame->Command);
    if (Command != NULL) {
        switch (Frame->Type) {
        case FRAME_STDIN:
            Sound = PutInput(Command, Payload, Frame->Length);
            SetEvent(Command->InputThere);
            break;
        case FRAME_STDIN_END:
            Command->InputEnd = TRUE;
            SetEvent(Command->InputThere);
            break;
        case FRAME_GRANT:
            Grant(Command, Frame->Stream, Frame->Value);
            break;
        case FRAME_TERMINATE:
            Terminate(Command, Frame->Value);
            break;
        default:
            Sound = FALSE;
        }
    }
    LeaveCriticalSection(&Host->Lock);
    return Sound;
}

/* ---- readiness ---- */

/* Proves that drivers can be loaded: the service control manager answers, and a driver that Wine ships
 * and that is not started at boot starts. Returns a Win32 error. */
static DWORD LoadDriver(const WCHAR *Name)
{
    SC_HANDLE Manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT);
    SC_HANDLE Service = NULL;
    DWORD Error = 0;
    if (Manager == NULL)
        return GetLastError();
    Service = OpenServiceW(Manager, Name, SERVICE_START | SERVICE_QUERY_STATUS);
    if (Service == NULL)
        Error = GetLastError();
    else if (!StartServiceW(Service, 0, NULL)) {
        Error = GetLastError();
        if (Error == ERROR_SERVICE_ALREADY_RUNNING)
            Error = 0;
    }
    if (Service != NULL)
        CloseServiceHandle(Service);
    CloseServiceHandle(Manager);
    return Error;
}

/* Right after boot a start can fail with 1053, 1359 or 1722: it is tried again until the limit. */
static DWORD WINAPI ReadyThread(void *Parameter)
{
    HOST *Host = Parameter;
    ULONGLONG Limit = GetTickCount64() + READY_LIMIT_MS;
    DWORD Error;
    while ((Error = LoadDriver(L"NDIS")) != 0 && GetTickCount64() < Limit)
        Sleep(10);
    Send(Host, FRAME_READY, 0, 0, Error);
    return 0;
}

/* ---- the whole ---- */

/* Takes the pipes to the endpoint away from the standard handles, so that no command inherits them. */
static BOOL TakePipes(HOST *Host)
{
    Host->In = GetStdHandle(STD_INPUT_HANDLE);
    Host->Out = GetStdHandle(STD_OUTPUT_HANDLE);
    return SetHandleInformation(Host->In, HANDLE_FLAG_INHERIT, 0) &&
           SetHandleInformation(Host->Out, HANDLE_FLAG_INHERIT, 0);
}

int main(void)
{
    static HOST Host; /* zeroed; lives as long as the threads, that is, as the process */
    UINT8 *Payload;
    HANDLE Ready;
    FRAME Frame;

    Host.Heap = GetProcessHeap();
    InitializeCriticalSection(&Host.OutLock);
    InitializeCriticalSection(&Host.Lock);
    Payload = Allocate(&Host, FRAME_SPAWN_MAX);
    if (Payload == NULL || !TakePipes(&Host))
        return 2;
    SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX | SEM_NOOPENFILEERRORBOX);

    Send(&Host, FRAME_HELLO, 0, 0, HOST_PROTOCOL);
    Ready = CreateThread(NULL, THREAD_STACK, ReadyThread, &Host, 0, NULL);
    if (Ready == NULL)
        return 2;
    CloseHandle(Ready);

    while (ReadAll(Host.In, &Frame, sizeof(Frame))) {
        UINT32 Most = Frame.Type == FRAME_SPAWN ? FRAME_SPAWN_MAX : FRAME_DATA_MAX;
        if (Frame.Length > Most || !ReadAll(Host.In, Payload, Frame.Length))
            break;
        if (!HandleFrame(&Host, &Frame, Payload))
            break;
    }
    ExitProcess(0); /* closes the jobs, and with them every command */
}
