/*
 * program.c - runs a program and keeps what it writes.
 *
 * The program gets a job of its own, which ends everything that it starts, and no handles but its three
 * streams. Sources: "CreateProcess", "UpdateProcThreadAttribute" and "Job Objects" in the Win32 reference.
 */
#include "program.h"

#include <stdlib.h>

#define READ_BYTES 4096u
#define READERS_MS 5000u /* for the last bytes, once everybody who could write is gone */
#define JOB_CODE   0x57534B54u
#define STREAMS    2u

/* Reads one stream to its end, on a thread of its own. */
typedef struct READER {
    HANDLE Pipe;
    HANDLE Thread;
    CAPTURE Kept;
} READER;

/* Keeps the end of what is not kept otherwise, which begins At of all. */
static void KeepLast(CAPTURE *Capture, const UINT8 *Data, DWORD Bytes, UINT64 At)
{
    for (DWORD i = Bytes > CAPTURE_LAST_BYTES ? Bytes - CAPTURE_LAST_BYTES : 0; i < Bytes; i++)
        Capture->Data[Capture->Room + (At + i) % CAPTURE_LAST_BYTES] = Data[i];
}

void CaptureAdd(CAPTURE *Capture, const void *Data, DWORD Bytes)
{
    DWORD room = Capture->Room - Capture->Kept, take = Bytes < room ? Bytes : room;

    if (Capture->Data != NULL && take != 0) {
        memcpy(Capture->Data + Capture->Kept, Data, take);
        Capture->Kept += take;
    }
    if (Capture->Last)
        KeepLast(Capture, (const UINT8 *)Data + take, Bytes - take, Capture->Total + take);
    Capture->Total += Bytes;
}

DWORD CaptureLast(const CAPTURE *Capture, UINT8 *End)
{
    UINT64 left = Capture->Total - Capture->Kept;
    DWORD bytes = left < CAPTURE_LAST_BYTES ? (DWORD)left : CAPTURE_LAST_BYTES;

    if (!Capture->Last)
        return 0;
    for (DWORD i = 0; i < bytes; i++)
        End[i] = Capture->Data[Capture->Room + (Capture->Total - bytes + i) % CAPTURE_LAST_BYTES];
    return bytes;
}

static DWORD WINAPI ReadStream(void *Parameter)
{
    READER *reader = Parameter;
    UINT8 buffer[READ_BYTES];
    DWORD got;

    while (ReadFile(reader->Pipe, buffer, sizeof buffer, &got, NULL) && got != 0)
        CaptureAdd(&reader->Kept, buffer, got);
    return 0;
}

/* A reader with its thread, and the end of the pipe that the program writes to. */
static READER *ReaderStart(DWORD Room, HANDLE *Write)
{
    SECURITY_ATTRIBUTES inherit = {.nLength = sizeof inherit, .bInheritHandle = TRUE};
    READER *reader = calloc(1, sizeof *reader);

    *Write = NULL;
    if (reader == NULL)
        return NULL;
    reader->Kept.Room = Room;
    reader->Kept.Last = TRUE;
    reader->Kept.Data = malloc(Room + CAPTURE_LAST_BYTES);
    if (reader->Kept.Data == NULL || !CreatePipe(&reader->Pipe, Write, &inherit, 0))
        goto Error;
    (void)SetHandleInformation(reader->Pipe, HANDLE_FLAG_INHERIT, 0);
    reader->Thread = CreateThread(NULL, 0, ReadStream, reader, 0, NULL);
    if (reader->Thread != NULL)
        return reader;
    CloseHandle(*Write);
    CloseHandle(reader->Pipe);
    *Write = NULL;
Error:
    free(reader->Kept.Data);
    free(reader);
    return NULL;
}

/* Takes what was read. A reader whose stream does not end is left behind, with what belongs to it. */
static void ReaderEnd(READER *Reader, CAPTURE *Kept)
{
    if (Reader == NULL || WaitForSingleObject(Reader->Thread, READERS_MS) != WAIT_OBJECT_0)
        return;
    *Kept = Reader->Kept;
    CloseHandle(Reader->Thread);
    CloseHandle(Reader->Pipe);
    free(Reader);
}

static HANDLE KillingJob(void)
{
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {0};
    HANDLE job = CreateJobObjectW(NULL, NULL);

    limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
    if (job != NULL &&
        !SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof limits)) {
        CloseHandle(job);
        return NULL;
    }
    return job;
}

/* Starts it, suspended, with the three streams as its only handles. */
static DWORD CreateWithStreams(const PROGRAM *Program, HANDLE Streams[STREAMS + 1],
                               PROCESS_INFORMATION *Process)
{
    STARTUPINFOEXW startup = {.StartupInfo = {.cb = sizeof startup, .dwFlags = STARTF_USESTDHANDLES}};
    SIZE_T size = 0;
    DWORD error = ERROR_SUCCESS;

    startup.StartupInfo.hStdInput = Streams[0];
    startup.StartupInfo.hStdOutput = Streams[1];
    startup.StartupInfo.hStdError = Streams[2];
    (void)InitializeProcThreadAttributeList(NULL, 1, 0, &size);
    startup.lpAttributeList = malloc(size);
    if (startup.lpAttributeList == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    if (!InitializeProcThreadAttributeList(startup.lpAttributeList, 1, 0, &size)) {
        error = GetLastError();
        free(startup.lpAttributeList);
        return error;
    }
    if (!UpdateProcThreadAttribute(startup.lpAttributeList, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, Streams,
                                   (STREAMS + 1) * sizeof *Streams, NULL, NULL) ||
        !CreateProcessW(NULL, Program->CommandLine, NULL, NULL, TRUE,
                        CREATE_SUSPENDED | CREATE_NO_WINDOW | EXTENDED_STARTUPINFO_PRESENT |
                            CREATE_UNICODE_ENVIRONMENT,
                        Program->Environment, Program->Folder, &startup.StartupInfo, Process))
        error = GetLastError();
    DeleteProcThreadAttributeList(startup.lpAttributeList);
    free(startup.lpAttributeList);
    return error;
}

/* Waits for its end, or until it is to be ended. */
static void AwaitProcess(PROGRAM *Program, HANDLE Process)
{
    HANDLE any[1 + ARRAYSIZE(Program->Ends)] = {Process};
    DWORD count = 1, ended;

    for (size_t i = 0; i < ARRAYSIZE(Program->Ends); i++) {
        if (Program->Ends[i] != NULL)
            any[count++] = Program->Ends[i];
    }
    ended = WaitForMultipleObjects(count, any, FALSE, Program->TimeoutMs);
    Program->TimedOut = ended == WAIT_TIMEOUT;
    Program->Cancelled = ended > WAIT_OBJECT_0 && ended < WAIT_OBJECT_0 + count;
}

/* Lets the program go, waits for it, and ends what is left of its job. */
static DWORD Attend(PROGRAM *Program, HANDLE Job, const PROCESS_INFORMATION *Process)
{
    DWORD error = ERROR_SUCCESS;

    if (!AssignProcessToJobObject(Job, Process->hProcess)) {
        error = GetLastError();
        TerminateProcess(Process->hProcess, JOB_CODE);
        return error;
    }
    if (ResumeThread(Process->hThread) == (DWORD)-1) {
        error = GetLastError();
    } else {
        if (Program->Begun != NULL)
            SetEvent(Program->Begun);
        AwaitProcess(Program, Process->hProcess);
    }
    TerminateJobObject(Job, JOB_CODE);
    if (error == ERROR_SUCCESS && !GetExitCodeProcess(Process->hProcess, &Program->ExitCode))
        error = GetLastError();
    return error;
}

DWORD ProgramRun(PROGRAM *Program)
{
    SECURITY_ATTRIBUTES inherit = {.nLength = sizeof inherit, .bInheritHandle = TRUE};
    PROCESS_INFORMATION process = {0};
    HANDLE job = KillingJob(), streams[STREAMS + 1] = {NULL, NULL, NULL};
    READER *out = NULL, *err = NULL;
    DWORD error = ERROR_NOT_ENOUGH_MEMORY;

    if (job == NULL) {
        error = GetLastError();
        if (Program->Input != NULL)
            CloseHandle(Program->Input);
        Program->Input = NULL;
        return error;
    }
    streams[0] = Program->Input;
    Program->Input = NULL;
    if (streams[0] == NULL)
        streams[0] = CreateFileW(L"NUL", GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, &inherit,
                                 OPEN_EXISTING, 0, NULL);
    if (streams[0] == INVALID_HANDLE_VALUE) {
        error = GetLastError();
        streams[0] = NULL;
        goto End;
    }
    out = ReaderStart(Program->Out.Room, &streams[1]);
    err = ReaderStart(Program->Err.Room, &streams[2]);
    if (out != NULL && err != NULL)
        error = CreateWithStreams(Program, streams, &process);
    /* The program has them now; else the readers would wait for this process, too. */
    for (unsigned i = 0; i < ARRAYSIZE(streams); i++) {
        if (streams[i] != NULL)
            CloseHandle(streams[i]);
        streams[i] = NULL;
    }
    if (error == ERROR_SUCCESS) {
        error = Attend(Program, job, &process);
        CloseHandle(process.hThread);
        CloseHandle(process.hProcess);
    }
    ReaderEnd(out, &Program->Out);
    ReaderEnd(err, &Program->Err);
End:
    CloseHandle(job);
    return error;
}
