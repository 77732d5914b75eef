/* command.c - the life of a command: what it consists of, its threads, and how it ends. */
#include "host.h"

void Discard(COMMAND *Command)
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
    CloseAndClear(&Command->Job); /* with all that the command started, before its console goes to another */
    GiveConsole(Command->Host, Command->Console);
    Free(Command->Host, Command->Ring);
    Free(Command->Host, Command);
}

COMMAND *MakeCommand(HOST *Host, UINT32 Id)
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

void Link(COMMAND *Command)
{
    HOST *Host = Command->Host;
    EnterCriticalSection(&Host->Lock);
    Command->Next = Host->Commands;
    Host->Commands = Command;
    Host->CommandCount++;
    LeaveCriticalSection(&Host->Lock);
}

/* With HOST.Lock held. */
static void Unlink(const COMMAND *Command)
{
    COMMAND **At = &Command->Host->Commands;
    while (*At != Command)
        At = &(*At)->Next;
    *At = Command->Next;
    Command->Host->CommandCount--;
}

/* The command is over: its threads go home. With HOST.Lock held. */
static void StopThreads(COMMAND *Command)
{
    UINT32 I;
    Command->Stop = TRUE;
    for (I = 0; I < 2; I++)
        SetEvent(Command->Output[I].Granted);
    SetEvent(Command->InputThere);
}

COMMAND *Find(HOST *Host, UINT32 Id)
{
    COMMAND *Command = Host->Commands;
    while (Command != NULL && Command->Id != Id)
        Command = Command->Next;
    return Command;
}

/* Awaits the process, then its output: like on Windows, what the command left running keeps the
 * command open for as long as it holds the output. Then the job takes the rest of the tree. */
static DWORD WINAPI WaitThread(void *Parameter)
{
    COMMAND *Command = Parameter;
    HOST *Host = Command->Host;
    HANDLE Outputs[2] = {Command->Output[0].Thread, Command->Output[1].Thread};
    DWORD ExitCode = 0;

    WaitForSingleObject(Command->Process, INFINITE); /* a command may run for ever; Terminate ends it */
    if (!GetExitCodeProcess(Command->Process, &ExitCode))
        ExitCode = GetLastError();
    WaitForMultipleObjects(2, Outputs, TRUE, INFINITE); /* until end of output or Terminate */
    TerminateJobObject(Command->Job, ExitCode);

    EnterCriticalSection(&Host->Lock);
    Unlink(Command); /* from here on the reader does not find it any more */
    StopThreads(Command);
    LeaveCriticalSection(&Host->Lock);
    WaitForSingleObject(Command->InputThread, INFINITE); /* its reader is dead, so its write has failed */

    GiveConsole(Host, Command->Console); /* before the end is told: what is started then may have it */
    Command->Console = NULL;
    Send(Host, FRAME_EXIT, Command->Id, 0, ExitCode);
    Discard(Command);
    return 0;
}

BOOL StartThreads(COMMAND *Command)
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

void Terminate(COMMAND *Command, UINT32 ExitCode)
{
    TerminateJobObject(Command->Job, ExitCode);
    StopThreads(Command);
}
