/* output.c - output: from a command's pipe to the endpoint, within the window it grants. */
#include "host.h"

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

DWORD WINAPI OutputThread(void *Parameter)
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
        CopyMemory(Buffer, &Frame, sizeof(Frame));
        SendWhole(Host, Buffer, (UINT32)sizeof(Frame) + Got);
    }
    Free(Host, Buffer);
    Send(Host, FRAME_OUTPUT_END, Output->Command->Id, Output->Stream, 0);
    return 0;
}

void Grant(COMMAND *Command, UINT8 Stream, UINT32 Value)
{
    OUTPUT *Output;
    if (Stream < 1 || Stream > 2)
        return;
    Output = &Command->Output[Stream - 1];
    Output->Window += Least(Value, WINDOW - Least(Output->Window, WINDOW));
    SetEvent(Output->Granted);
}
