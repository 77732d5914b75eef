/* watch.c - processes that the endpoint did not start: tells it when one has ended, or ends one. */
#include "host.h"

#define MAX_WATCHES 64u

typedef struct {
    HOST *Host;
    HANDLE Process;
    UINT32 Id;
} WATCH;

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
void StartWatch(HOST *Host, UINT32 ProcessId)
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

void KillProcess(UINT32 ProcessId, UINT32 ExitCode)
{
    HANDLE Process = OpenProcess(PROCESS_TERMINATE, FALSE, ProcessId);
    if (Process == NULL)
        return;
    TerminateProcess(Process, ExitCode);
    CloseHandle(Process);
}
