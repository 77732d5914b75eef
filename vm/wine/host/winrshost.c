/*
 * winrshost.c - runs commands inside a Wine guest for the WinRM endpoint outside it.
 *
 * One process for the life of a boot. It reads frames on standard input and writes frames on
 * standard output; package vm/wine holds the other end (frame.go) and the same numbers. All
 * commands share the two pipes, so every stream has a window: the sender of a stream may have that
 * many bytes on the way, and the receiver grants more when it has passed some on. A slow reader
 * therefore stops its own command and nobody else's, and nothing is buffered without bound.
 *
 * Threads: the reader (the first thread) handles frames and never waits for a command, only for a
 * console that is being made (console.c); it is also the only one that creates processes, so that no
 * command inherits another one's pipes. Each command has one thread per output, one for its input, and
 * one that awaits its end and puts everything away. Frames are written whole, under HOST.OutLock.
 *
 * Everything a command starts lives in its job object and dies with it.
 */

#include "host.h"

#define READY_LIMIT_MS 30000u

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

/* ---- the frames of the endpoint ---- */

/* FALSE: the endpoint broke the protocol, or memory is corrupt; the host ends rather than guess. */
static BOOL HandleFrame(HOST *Host, const FRAME *Frame, UINT8 *Payload)
{
    COMMAND *Command;
    BOOL Sound = TRUE;

    if (Frame->Type == FRAME_SPAWN) {
        Spawn(Host, Frame->Command, Frame->Value, Payload, Frame->Length);
        return TRUE;
    }
    if (Frame->Type == FRAME_CODE_PAGE) {
        Send(Host, FRAME_CODE_PAGE_IS, Frame->Command, 0, TryCodePage(Host, Frame->Value));
        return TRUE;
    }
    if (Frame->Type == FRAME_WATCH) {
        StartWatch(Host, Frame->Command);
        return TRUE;
    }
    if (Frame->Type == FRAME_KILL) {
        KillProcess(Frame->Command, Frame->Value);
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
        case FRAME_GRANT: Grant(Command, Frame->Stream, Frame->Value); break;
        case FRAME_TERMINATE: Terminate(Command, Frame->Value); break;
        default: Sound = FALSE;
        }
    }
    LeaveCriticalSection(&Host->Lock);
    return Sound;
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

int main(int Count, char **Arguments)
{
    static HOST Host; /* zeroed; lives as long as the threads, that is, as the process */
    UINT8 *Payload;
    HANDLE Ready;
    FRAME Frame;

    UNREFERENCED_PARAMETER(Arguments);
    if (Count > 1)
        return KeepConsole();
    Host.Heap = GetProcessHeap();
    InitializeCriticalSection(&Host.OutLock);
    InitializeCriticalSection(&Host.Lock);
    Payload = Allocate(&Host, FRAME_SPAWN_MAX);
    if (Payload == NULL || !TakePipes(&Host) || !MakeKeeperJob(&Host))
        return 2;
    FreeConsole(); /* that of whoever started it */
    SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX | SEM_NOOPENFILEERRORBOX);

    Send(&Host, FRAME_HELLO, 0, 0, HOST_PROTOCOL);
    Ready = CreateThread(NULL, THREAD_STACK, ReadyThread, &Host, 0, NULL);
    if (Ready == NULL)
        return 2;
    CloseHandle(Ready);
    PrepareConsole(&Host);

    while (ReadAll(Host.In, &Frame, sizeof(Frame))) {
        UINT32 Most = Frame.Type == FRAME_SPAWN ? FRAME_SPAWN_MAX : FRAME_DATA_MAX;
        if (Frame.Length > Most || !ReadAll(Host.In, Payload, Frame.Length))
            break;
        if (!HandleFrame(&Host, &Frame, Payload))
            break;
    }
    ExitProcess(0); /* closes the jobs, and with them every command */
}
