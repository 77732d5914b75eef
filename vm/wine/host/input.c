/* input.c - input: from the endpoint into a command's ring, and from there to its pipe. */
#include "host.h"

#define INPUT_GRANT (WINDOW / 4u) /* input is granted anew in pieces of at least this size */

BOOL PutInput(COMMAND *Command, const UINT8 *Data, UINT32 Length)
{
    UINT32 End = (Command->RingStart + Command->RingUsed) % WINDOW;
    UINT32 First = Least(Length, WINDOW - End);
    if (Length > WINDOW - Command->RingUsed)
        return FALSE;
    CopyMemory(Command->Ring + End, Data, First);
    CopyMemory(Command->Ring, Data + First, Length - First);
    Command->RingUsed += Length;
    return TRUE;
}

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
        CopyMemory(Buffer, Command->Ring + Command->RingStart, Length);
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

DWORD WINAPI InputThread(void *Parameter)
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
