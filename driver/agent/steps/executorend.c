/* executorend.c - what the steps of a case have left at work, and how it is ended. */
#include "executor.h"

#define END_PROGRAMS_MS 30000u
#define TIDY_POLL_MS    5u
#define TIDY_MS         5000u /* for the requests that a case has left, and once more for its handles */

void ExecutorEndPrograms(EXECUTOR *Executor)
{
    UINT64 deadline = GetTickCount64() + END_PROGRAMS_MS;

    if (Executor->Over == NULL)
        return;
    SetEvent(Executor->Over);
    for (UINT32 i = 0; i < WSKT_MAX_THREADS; i++) {
        UINT64 now = GetTickCount64();

        if (Executor->Task[i] != NULL && TaskIs(Executor->Task[i], STEP_PROGRAM))
            (void)TaskAwait(Executor->Task[i], now < deadline ? (UINT32)(deadline - now) : 0);
    }
    ResetEvent(Executor->Over);
}

BOOL ExecutorHangs(const EXECUTOR *Executor, const WSKT_STEP *Step)
{
    const TASK *task = StepIs(Step, STEP_JOINS) ? Executor->Task[Step->Arg[0]] : Executor->Late;

    return task == NULL || !TaskIs(task, STEP_REQUESTS | STEP_PROGRAM);
}

/* Cancels the request that is out on a thread, or about to be. FALSE: there is none, or it is back. */
static BOOL StillOut(TASK *Task)
{
    if (Task == NULL || !TaskIs(Task, STEP_REQUESTS) || TaskAwait(Task, 0) != NULL)
        return FALSE;
    (void)TaskCancel(Task, 0);
    return TRUE;
}

void ExecutorTidy(EXECUTOR *Executor)
{
    UINT64 deadline = GetTickCount64() + TIDY_MS;
    BOOL out;

    for (;;) {
        out = StillOut(Executor->Late);
        for (UINT32 i = 0; i < WSKT_MAX_THREADS; i++)
            out = StillOut(Executor->Task[i]) || out;
        if (!out || GetTickCount64() >= deadline)
            break;
        Sleep(TIDY_POLL_MS);
    }
    if (!HandlesClose(&Executor->Handles, TIDY_MS))
        Executor->Lost++;
}

UINT32 ExecutorBusy(const EXECUTOR *Executor)
{
    UINT32 busy = Executor->Lost;

    for (UINT32 i = 0; i < WSKT_MAX_THREADS; i++) {
        if (Executor->Task[i] != NULL && TaskAwait(Executor->Task[i], 0) == NULL)
            busy++;
    }
    if (Executor->Late != NULL && TaskAwait(Executor->Late, 0) == NULL)
        busy++;
    return busy;
}

void ExecutorForget(EXECUTOR *Executor)
{
    for (UINT32 i = 0; i < WSKT_MAX_THREADS; i++) {
        TaskRelease(Executor->Task[i]);
        Executor->Task[i] = NULL;
    }
    TaskRelease(Executor->Late);
    Executor->Late = NULL;
}
