/* task.c - threads that execute the agent's steps. */
#include "task.h"

#include <stdlib.h>

struct TASK {
    _Interlocked_ LONG
        References; /* of the owner, the thread, and who is to cancel what it does: the last one frees */
    const STEP_KIND *Kind;
    HANDLE Thread;
    STEP_RUN Run; /* whose pointers are to what follows */
    WSKT_STEP Step;
    UINT64 AtStart[DEVICE_BATCH_BYTES / sizeof(UINT64) + 1];
    DEVICE_FILE File;
    DEVICE_REQUEST Request;
    WSKT_RESULT Result;
};

BOOL TaskIs(const TASK *Task, UINT32 Traits) { return (Task->Kind->Traits & Traits) != 0; }

void TaskRelease(TASK *Task)
{
    if (Task == NULL || InterlockedDecrement(&Task->References) != 0)
        return;
    DeviceClose(Task->Run.Device);
    if (TaskIs(Task, STEP_OPENS | STEP_CLOSES) && Task->File.Handle != NULL)
        CloseHandle(Task->File.Handle);
    TaskRelease(Task->Run.Target);
    FoldersFree(&Task->Run.Folders);
    for (size_t i = 0; i < OUTPUT_COUNT; i++)
        free(Task->Run.Kept[i].Data);
    CloseHandle(Task->Thread);
    CloseHandle(Task->Run.Begun);
    free(Task);
}

UINT64 NowNs(void)
{
    LARGE_INTEGER now, frequency;

    QueryPerformanceFrequency(&frequency);
    QueryPerformanceCounter(&now);
    /* In two parts, since the product could overflow. */
    return (UINT64)(now.QuadPart / frequency.QuadPart) * 1000000000u +
           (UINT64)(now.QuadPart % frequency.QuadPart) * 1000000000u / (UINT64)frequency.QuadPart;
}

static DWORD WINAPI TaskThread(void *Parameter)
{
    TASK *task = Parameter;
    WSKT_RESULT *result = &task->Result;
    UINT64 begin = NowNs();

    result->Status = task->Kind->Execute(&task->Run);
    result->ElapsedNs = NowNs() - begin;
    result->MaxNs = result->ElapsedNs;
    result->Executed = 1;
    TaskRelease(task);
    return 0;
}

/* A copy of Run and of what it points to, as the step of the task has it. */
static void CopyRun(TASK *Task, const STEP_RUN *Run)
{
    Task->Run = *Run;
    Task->Step = *Run->Step;
    Task->Run.Step = &Task->Step;
    if (Run->AtStart != NULL) {
        memcpy(Task->AtStart, Run->AtStart, Run->AtStartBytes);
        Task->Run.AtStart = (const WSKT_BATCH *)Task->AtStart;
    }
    if (Run->File != NULL)
        Task->File = *Run->File;
    Task->Run.File = &Task->File;
    Task->Run.Request = &Task->Request;
    Task->Run.Result = &Task->Result;
}

TASK *TaskStart(const STEP_KIND *Kind, const STEP_RUN *Run)
{
    TASK *task = calloc(1, sizeof *task);

    if (task == NULL)
        return NULL;
    task->References = 2;
    task->Kind = Kind;
    CopyRun(task, Run);
    task->Run.Begun = CreateEventW(NULL, TRUE, FALSE, NULL);
    if (task->Run.Begun != NULL)
        task->Thread = CreateThread(NULL, 0, TaskThread, task, 0, NULL);
    if (task->Thread != NULL)
        return task;
    if (task->Run.Begun != NULL)
        CloseHandle(task->Run.Begun);
    free(task);
    return NULL;
}

void TaskAwaitBegun(TASK *Task, UINT32 Ms)
{
    HANDLE either[] = {Task->Run.Begun, Task->Thread};

    (void)WaitForMultipleObjects(ARRAYSIZE(either), either, FALSE, Ms);
}

STEP_RUN *TaskAwait(TASK *Task, UINT32 Ms)
{
    return WaitForSingleObject(Task->Thread, Ms) == WAIT_OBJECT_0 ? &Task->Run : NULL;
}

TASK *TaskReference(TASK *Task)
{
    InterlockedIncrement(&Task->References);
    return Task;
}

DWORD TaskCancel(TASK *Task, UINT32 Ms)
{
    UINT64 deadline = GetTickCount64() + Ms;
    DWORD error;

    for (;;) {
        error = RequestCancel(&Task->Request, Task->Thread);
        if (error != ERROR_NOT_FOUND || GetTickCount64() >= deadline ||
            WaitForSingleObject(Task->Thread, 1) == WAIT_OBJECT_0)
            return error;
    }
}
