/* loop.c - starts the threads of a loop, waits for them, and adds up what they have seen. */
#include "looprun.h"
#include "status.h"
#include "task.h"

#include <stdlib.h>

/* Beyond the loop's own time, for threads that are between two steps to notice that it is up. */
#define LOOP_GRACE_MS 1000u

#define LOOP_STOP_MS 5000u /* for requests that are cancelled since the run is */
#define NS_PER_MS    1000000u

/* ChoiceRead wants the batch as a driver is sent it. */
static BOOL ReadChoice(const PLAN *Plan, const WSKP_BATCH *Batch, CHOICE *Choice)
{
    size_t bytes = FIELD_OFFSET(WSKT_BATCH, Step) + Batch->StepCount * sizeof(WSKT_STEP);
    WSKT_BATCH *batch = calloc(1, bytes > sizeof *batch ? bytes : sizeof *batch);
    BOOL good = FALSE;

    if (batch != NULL) {
        batch->StepCount = Batch->StepCount;
        batch->Groups = Batch->Groups;
        for (UINT32 i = 0; i < Batch->StepCount; i++)
            batch->Step[i] = Plan->Step[Batch->FirstStep + i].Step;
        good = ChoiceRead(batch, Choice);
    }
    free(batch);
    return good;
}

BOOL BatchLoops(const WSKP_BATCH *Batch)
{
    return Batch->StepCount > 1 || Batch->Repeat > 1 || Batch->Parallel > 1 || Batch->Groups != 0 ||
           Batch->ForMs != 0;
}

BOOL LoopKnows(const PLAN *Plan, const WSKP_BATCH *Batch)
{
    UINT64 shift = (UINT64)(Batch->Parallel - 1) * Batch->SocketStride;
    CHOICE choice;

    if (Batch->SocketStride > WSKP_MAX_HANDLES || (Batch->Flags & ~WSKP_BATCH_HEALTH) != 0 ||
        !ReadChoice(Plan, Batch, &choice))
        return FALSE;
    for (UINT32 i = 0; i < Batch->StepCount; i++) {
        const WSKP_STEP *step = &Plan->Step[Batch->FirstStep + i];
        const STEP_KIND *kind = StepKindOf(&step->Step);
        UINT32 handle;

        if (step->Executor != WSKP_BY_AGENT || step->Step.Thread != 0 || kind == NULL ||
            (kind->Traits & STEP_IN_LOOPS) == 0)
            return FALSE;
        if (kind->Handle != NULL && kind->Handle(&step->Step, &handle) && handle + shift >= WSKP_MAX_HANDLES)
            return FALSE;
    }
    return TRUE;
}

static LOOP_RUN *CreateLoop(const LOOP_ORDER *Order)
{
    const WSKP_BATCH *batch = Order->Batch;
    UINT32 forMs = batch->ForMs < Order->TimeoutMs ? batch->ForMs : Order->TimeoutMs;
    UINT32 count = batch->StepCount * (batch->Parallel + 1);
    LOOP_RUN *run = calloc(1, sizeof *run);
    UINT64 now = NowNs();

    if (run == NULL)
        return NULL;
    run->References = 1;
    run->Plan = Order->Plan;
    run->Batch = batch;
    run->Step = &Order->Plan->Step[batch->FirstStep];
    run->Handles = *Order->Handles;
    run->Running = (LONG)batch->Parallel;
    run->FailedStep = -1;
    run->Deadline = now + (UINT64)Order->TimeoutMs * NS_PER_MS;
    run->NoMoreAfter = forMs != 0 ? now + (UINT64)forMs * NS_PER_MS : 0;
    run->NotEven = now + (forMs + (UINT64)(Order->TimeoutMs - forMs) / 2) * NS_PER_MS;
    run->Finished = CreateEventW(NULL, TRUE, FALSE, NULL);
    run->Stats = calloc(count, sizeof *run->Stats);
    if (run->Finished == NULL || run->Stats == NULL || !ReadChoice(Order->Plan, batch, &run->Choice)) {
        LoopRelease(run);
        return NULL;
    }
    run->Due = (LONG)run->Choice.Groups;
    for (UINT32 i = 0; i < count; i++)
        StatsInitialize(&run->Stats[i].Step);
    return run;
}

/* FALSE: not all could be started; those that were end after their first list. */
static BOOL StartThreads(LOOP_RUN *Run)
{
    for (UINT32 i = 0; i < Run->Batch->Parallel; i++) {
        HANDLE thread;

        InterlockedIncrement(&Run->References);
        thread = CreateThread(NULL, 0, LoopThread, Run, 0, NULL);
        if (thread == NULL) {
            LONG never = (LONG)(Run->Batch->Parallel - i);

            InterlockedExchange(&Run->Stop, 1);
            if (InterlockedExchangeAdd(&Run->Running, -never) == never)
                SetEvent(Run->Finished);
            InterlockedDecrement(&Run->References); /* its own, not the last one */
            return FALSE;
        }
        CloseHandle(thread);
    }
    return TRUE;
}

static DWORD LeftMs(const LOOP_RUN *Run)
{
    UINT64 now = NowNs();

    return now < Run->Deadline ? (DWORD)((Run->Deadline - now) / NS_PER_MS) : 0;
}

/* No list is begun any more, and no request waited for. What comes of that is no failure. */
static void CancelLoop(LOOP_RUN *Run)
{
    InterlockedExchange(&Run->Cancelled, 1);
    for (UINT32 i = 0; i < Run->Batch->Parallel; i++)
        (void)RequestCancel(&Run->Thread[i].Request, NULL);
}

/* A thread that is not back when the time is up is stuck in the step where it was last seen. */
static void NoteLate(LOOP_RUN *Run, UINT32 Thread)
{
    const WSKT_RESULT stuck = {.Status = STATUS_TIMEOUT_VALUE, .Origin = WSKT_ORIGIN_TIMEOUT, .Executed = 1};
    LOOP_THREAD *thread = &Run->Thread[Thread];

    AcquireSRWLockExclusive(&thread->Lock);
    if (!thread->Finished) {
        StatsAdd(&LoopStats(Run, Thread, thread->Step)->Step, &stuck, FALSE);
        LoopNoteFailure(Run, Thread, thread->Iteration, thread->Step);
    }
    ReleaseSRWLockExclusive(&thread->Lock);
}

/* Waits for all threads, and for those that are late, or stopped, once their requests are cancelled. FALSE:
 * one is stuck. */
static BOOL AwaitThreads(LOOP_RUN *Run, HANDLE Cancel)
{
    HANDLE either[] = {Run->Finished, Cancel};
    DWORD which = WaitForMultipleObjects(ARRAYSIZE(either), either, FALSE, LeftMs(Run) + LOOP_GRACE_MS);
    UINT64 end = GetTickCount64() + LOOP_STOP_MS;

    if (which == WAIT_OBJECT_0)
        return TRUE;
    for (UINT32 i = 0; which == WAIT_TIMEOUT && i < Run->Batch->Parallel; i++)
        NoteLate(Run, i);
    do { /* a thread may be about to make another request of its list */
        CancelLoop(Run);
    } while (WaitForSingleObject(Run->Finished, 20) != WAIT_OBJECT_0 && GetTickCount64() < end);
    return WaitForSingleObject(Run->Finished, 0) == WAIT_OBJECT_0;
}

/* Adds up what a thread has seen. */
static void GatherThread(LOOP_RUN *Run, UINT32 Thread, UINT32 *Completed)
{
    LOOP_THREAD *thread = &Run->Thread[Thread];

    AcquireSRWLockExclusive(&thread->Lock);
    *Completed += thread->Whole;
    for (UINT32 step = 0; step < Run->Batch->StepCount; step++)
        LoopMerge(LoopStats(Run, Run->Batch->Parallel, step), LoopStats(Run, Thread, step));
    ReleaseSRWLockExclusive(&thread->Lock);
}

static void ReportLoop(LOOP_RUN *Run, WSKT_BATCH_RESULT *Answer, CAPTURE *Kept)
{
    BOOLEAN repeats = Run->Batch->Repeat > 1 || Run->Batch->Parallel > 1;
    UINT32 failed = Run->FailedStep >= 0 ? Run->FailedThread : 0;

    Answer->Abi = WSKT_ABI;
    Answer->StepCount = Run->Batch->StepCount;
    Answer->Completed = 0;
    /* The thread that failed first: of several deviations of a step it is its own that is reported. */
    for (UINT32 i = 0; i < Run->Batch->Parallel; i++)
        GatherThread(Run, i == 0 ? failed : i <= failed ? i - 1 : i, &Answer->Completed);
    AcquireSRWLockExclusive(&Run->Lock);
    Answer->FailedStep = Run->FailedStep;
    Answer->FailedThread = Run->FailedThread;
    Answer->FailedIteration = Run->FailedIteration;
    ReleaseSRWLockExclusive(&Run->Lock);
    for (UINT32 step = 0; step < Run->Batch->StepCount; step++) {
        LOOP_STATS *all = LoopStats(Run, Run->Batch->Parallel, step);

        StatsReport(&all->Step, repeats, &Answer->Result[step]);
        Kept[step] = all->Kept;
        all->Kept = (CAPTURE){0};
    }
}

LOOP_END LoopRun(const LOOP_ORDER *Order, WSKT_BATCH_RESULT *Answer, CAPTURE *Kept)
{
    LOOP_RUN *run = CreateLoop(Order);
    LOOP_END end = LOOP_STUCK;
    BOOL begun;

    if (run == NULL)
        return LOOP_NOT_BEGUN;
    begun = StartThreads(run);
    if (AwaitThreads(run, Order->Cancel)) {
        end = !begun ? LOOP_NOT_BEGUN : run->Cancelled ? LOOP_CANCELLED : LOOP_BACK;
        *Order->Handles = run->Handles;
    }
    if (begun)
        ReportLoop(run, Answer, Kept);
    LoopRelease(run);
    return end;
}
