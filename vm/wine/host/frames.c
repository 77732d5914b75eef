/* frames.c - reads and writes on the pipes to the endpoint. */
#include "host.h"

BOOL ReadAll(HANDLE File, void *Buffer, UINT32 Length)
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

void SendWhole(HOST *Host, const void *Frame, UINT32 Length)
{
    EnterCriticalSection(&Host->OutLock);
    WriteAll(Host, Frame, Length);
    LeaveCriticalSection(&Host->OutLock);
}

void Send(HOST *Host, UINT8 Type, UINT32 Command, UINT8 Stream, UINT32 Value)
{
    FRAME Frame = {Type, Stream, 0, Command, Value, 0};
    SendWhole(Host, &Frame, sizeof(Frame));
}
