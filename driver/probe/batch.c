/* batch.c - runs batches: repetitions, threads side by side, and one result per step of all runs. */
#include "batch.h"
#include "choice.h"
#include "clock.h"
#include "kept.h"
#include "step.h"
#include "stepstats.h"
#include "workers.h"
#include "wskjudge.h"

/* Beyond the batch's own time, for threads that are between two steps to notice that it is up. */
#define GRACE_MS 250u

/*
 * One thread of a batch. Each has a lock of its own, which nobody else wants before the end: threads that
 * waited for each other here would meet less often in WSK.
 */
typedef struct RUNNER {
    KSPIN_LOCK Lock; /* for all below, and its stats */
    UINT32 Step;     /* where it is in the list, for saying where it is stuck */
    UINT32 Iteration;
    BOOLEAN Finished;
    BOOLEAN Whole; /* all its repetitions were as expected */
} RUNNER;

typedef enum RUN_STATE {
    RUN_WAITED_FOR,
    RUN_FINISHED, /* the caller frees it */
    RUN_GIVEN_UP, /* a thread is stuck in a step: the last thread to finish frees it */
} RUN_STATE;

typedef struct BATCH {
    volatile LONG State;
    volatile LONG Running; /* threads that have not finished */
    volatile LONG NextThread;
    volatile LONG Stop; /* a step was not as expected: threads end after their current list */
    KEVENT Finished;
    UINT64 Deadline;
    UINT64 NoMoreAfter; /* on ClockNs: no list begins after this; 0 if only Repeat counts … */
    UINT64 NotEven;     /* … but until then each choice gets its turn, which chance may have kept from it */
    volatile LONG Due;  /* choices that did not have theirs */
    volatile LONG Had[WSKT_MAX_STEPS]; /* 1: that choice had */
    CHOICE Choice;
    STEP_STATS *Stats; /* one of each step for each thread, and once more for all of them */
    RUNNER Runner[WSKT_MAX_PARALLEL];
    KSPIN_LOCK Lock; /* for what failed first */
    INT32 FailedStep;
    UINT32 FailedThread;
    UINT32 FailedIteration;
    WSKT_BATCH Batch; /* with all its steps */
} BATCH;

/* Nothing begins anew: see BatchesStop. */
static volatile LONG Stopped;

VOID BatchesStop(BOOLEAN Stop) { (VOID) InterlockedExchange(&Stopped, Stop); }

ULONG BatchResultBytes(UINT32 StepCount)
{
    return FIELD_OFFSET(WSKT_BATCH_RESULT, Result) + StepCount * (ULONG)sizeof(WSKT_RESULT);
}

/* Whether the steps take and keep what can be: of a step that runs more than once nothing is kept. */
static BOOLEAN KeepsOnce(const WSKT_BATCH *Batch)
{
    BOOLEAN once = Batch->Repeat == 1 && Batch->Parallel == 1 && Batch->Groups == 0;
    BOOLEAN good = TRUE;

    for (UINT32 i = 0; i < Batch->StepCount; i++) {
        const WSKT_STEP *step = &Batch->Step[i];

        good = good && step->CheckCount <= WSKT_MAX_CHECKS && WsktTakesSoundly(step) &&
               (step->Keep == 0 || (once && step->Thread == 0));
    }
    return good;
}

NTSTATUS BatchCheck(const WSKT_BATCH *Batch, ULONG InputBytes, ULONG OutputBytes)
{
    CHOICE choice;

    if (InputBytes < sizeof(WSKT_BATCH)) {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    if (Batch->Abi != WSKT_ABI) {
        return STATUS_REVISION_MISMATCH;
    }
    if (Batch->StepCount < 1 || Batch->StepCount > WSKT_MAX_STEPS || Batch->Repeat < 1 ||
        Batch->Parallel < 1 || Batch->Parallel > WSKT_MAX_PARALLEL ||
        Batch->ClientStride > WSKT_MAX_CLIENTS || Batch->SocketStride > WSKT_MAX_SOCKETS ||
        Batch->TimeoutMs < 1 || Batch->TimeoutMs > WSKT_MAX_BATCH_MS || Batch->ForMs > Batch->TimeoutMs ||
        Batch->Groups > WSKT_MAX_STEPS) {
        return STATUS_INVALID_PARAMETER;
    }
    if (InputBytes != FIELD_OFFSET(WSKT_BATCH, Step) + Batch->StepCount * sizeof(WSKT_STEP) &&
        !DEFECT(LENGTH_UNCHECKED)) {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    if (!ChoiceRead(Batch, &choice) || !KeepsOnce(Batch)) {
        return STATUS_INVALID_PARAMETER;
    }
    return OutputBytes < BatchResultBytes(Batch->StepCount) ? STATUS_BUFFER_TOO_SMALL : STATUS_SUCCESS;
}

static BATCH *CreateBatch(const WSKT_BATCH *Batch)
{
    SIZE_T bytes = FIELD_OFFSET(WSKT_BATCH, Step) + Batch->StepCount * sizeof(WSKT_STEP);
    UINT32 count = Batch->StepCount * (Batch->Parallel + 1);
    BATCH *run = PoolAllocate(POOL_REQUEST, FIELD_OFFSET(BATCH, Batch) + bytes);

    if (run == NULL) {
        return NULL;
    }
    run->Stats = PoolAllocate(POOL_REQUEST, count * sizeof(STEP_STATS));
    if (run->Stats == NULL) {
        PoolFree(POOL_REQUEST, run);
        return NULL;
    }
    run->Running = (LONG)Batch->Parallel;
    KeInitializeEvent(&run->Finished, NotificationEvent, FALSE);
    KeInitializeSpinLock(&run->Lock);
    run->Deadline = DeadlineIn(Batch->TimeoutMs);
    run->NoMoreAfter = Batch->ForMs != 0 ? DeadlineIn(Batch->ForMs) : 0;
    run->NotEven = DeadlineIn(Batch->ForMs + (Batch->TimeoutMs - Batch->ForMs) / 2);
    (VOID) ChoiceRead(Batch, &run->Choice); /* BatchCheck has seen that it can be read */
    run->Due = (LONG)run->Choice.Groups;
    for (UINT32 i = 0; i < count; i++) {
        StatsInitialize(&run->Stats[i]);
    }
    for (UINT32 i = 0; i < Batch->Parallel; i++) {
        KeInitializeSpinLock(&run->Runner[i].Lock);
    }
    run->FailedStep = -1;
    RtlCopyMemory(&run->Batch, Batch, bytes);
    return run;
}

static VOID FreeBatch(BATCH *Run)
{
    PoolFree(POOL_REQUEST, Run->Stats);
    PoolFree(POOL_REQUEST, Run);
}

static STEP_STATS *StatsOf(const BATCH *Run, UINT32 Thread, UINT32 Step)
{
    return &Run->Stats[Thread * Run->Batch.StepCount + Step];
}

/* The first deviation of the batch is the one that it reports. */
_IRQL_requires_max_(DISPATCH_LEVEL) static VOID
    NoteFailure(BATCH *Run, UINT32 Thread, UINT32 Iteration, UINT32 Step)
{
    KIRQL irql;

    KeAcquireSpinLock(&Run->Lock, &irql);
    if (Run->FailedStep < 0) {
        Run->FailedStep = (INT32)Step;
        Run->FailedThread = Thread;
        Run->FailedIteration = Iteration;
    }
    KeReleaseSpinLock(&Run->Lock, irql);
    (VOID) InterlockedExchange(&Run->Stop, 1);
}

/* One step of one list. */
_IRQL_requires_max_(PASSIVE_LEVEL) static WSKT_VERDICT
    RunStep(BATCH *Run, UINT32 Thread, UINT32 Iteration, UINT32 Step)
{
    RUNNER *runner = &Run->Runner[Thread];
    STEP_CALL call;
    WSKT_RESULT result;
    WSKT_VERDICT verdict;
    KIRQL irql;

    call.Step = Run->Batch.Step[Step];
    call.Shift = Thread * Run->Batch.ClientStride;
    call.SocketShift = Thread * Run->Batch.SocketStride;
    call.Deadline = Run->Deadline;
    call.Case = Run->Batch.Case;
    call.Index = Run->Batch.FirstStep + Step;
    call.Runner = Thread;
    call.Iteration = Iteration;
    call.Named = 0;

    KeAcquireSpinLock(&runner->Lock, &irql);
    runner->Step = Step;
    runner->Iteration = Iteration;
    KeReleaseSpinLock(&runner->Lock, irql);

    if (DeadlineLeft(Run->Deadline) == 0) {
        RtlZeroMemory(&result, sizeof(result));
        result.Origin = WSKT_ORIGIN_REFUSED;
        result.Status = (UINT32)STATUS_IO_TIMEOUT; /* the batch's time was up before this step */
    } else if (!KeptTake(&call.Step)) {
        RtlZeroMemory(&result, sizeof(result));
        result.Executed = 1;
        result.Origin = WSKT_ORIGIN_REFUSED;
        result.Status = (UINT32)STATUS_NOT_FOUND; /* what it is to take from a step that did not run */
    } else {
        StepRun(&call, &result);
        if (result.Origin == WSKT_ORIGIN_REFUSED && (call.Step.Flags & WSKT_STEP_YIELD) != 0) {
            SleepMs(0); /* who is to change what it was refused for may need this processor */
            return WSKT_EXPECTED_NEXT;
        }
    }
    verdict = WsktJudge(&call.Step, &result);
    if (verdict == WSKT_EXPECTED) {
        KeptStore(&call.Step, &result);
    }

    KeAcquireSpinLock(&runner->Lock, &irql);
    StatsAdd(StatsOf(Run, Thread, Step), &result, verdict != WSKT_DEVIATES);
    KeReleaseSpinLock(&runner->Lock, irql);
    if (verdict == WSKT_DEVIATES) {
        NoteFailure(Run, Thread, Iteration, Step);
    }
    return verdict;
}

static BOOLEAN TimeIsUp(const BATCH *Run)
{
    return Run->NoMoreAfter != 0 && ClockNs() >= (Run->Due != 0 ? Run->NotEven : Run->NoMoreAfter);
}

/* No thread begins another list. */
static BOOLEAN IsOver(const BATCH *Run) { return Run->Stop || Stopped || TimeIsUp(Run); }

/* All repetitions of one thread. */
_IRQL_requires_max_(PASSIVE_LEVEL) static VOID RunList(BATCH *Run, UINT32 Thread)
{
    RUNNER *runner = &Run->Runner[Thread];
    UINT64 random = ChoiceSeed(Run->Batch.Seed, Thread);
    WSKT_VERDICT verdict = WSKT_EXPECTED;
    UINT32 iteration = 0;
    KIRQL irql;

    for (; verdict != WSKT_DEVIATES && iteration < Run->Batch.Repeat && (iteration == 0 || !IsOver(Run));
         iteration++) {
        UINT32 group = ChoiceNext(&Run->Choice, &random);

        verdict = WSKT_EXPECTED;
        for (UINT32 step = Run->Choice.First[group];
             verdict == WSKT_EXPECTED && step < Run->Choice.First[group + 1]; step++) {
            verdict = RunStep(Run, Thread, iteration, step);
        }
        if (verdict == WSKT_EXPECTED && InterlockedExchange(&Run->Had[group], 1) == 0) {
            (VOID) InterlockedDecrement(&Run->Due);
        }
    }
    KeAcquireSpinLock(&runner->Lock, &irql);
    runner->Whole = verdict != WSKT_DEVIATES && (iteration == Run->Batch.Repeat || TimeIsUp(Run));
    runner->Finished = TRUE;
    KeReleaseSpinLock(&runner->Lock, irql);
}

static VOID RunnerWork(PVOID Context)
{
    BATCH *run = Context;

    RunList(run, (UINT32)InterlockedIncrement(&run->NextThread) - 1);
}

/* That many threads have finished, or will never be started. */
static VOID FinishRun(BATCH *Run, LONG Threads)
{
    if (InterlockedExchangeAdd(&Run->Running, -Threads) != Threads) {
        return;
    }
    if (InterlockedCompareExchange(&Run->State, RUN_FINISHED, RUN_WAITED_FOR) == RUN_WAITED_FOR) {
        (VOID) KeSetEvent(&Run->Finished, IO_NO_INCREMENT, FALSE); /* it is gone after this */
    } else {
        FreeBatch(Run);
    }
}

static VOID RunnerReport(PVOID Context) { FinishRun(Context, 1); }

/* Starts the threads and waits for them, but no longer than the batch may take. */
_IRQL_requires_max_(PASSIVE_LEVEL) static NTSTATUS RunParallel(BATCH *Run)
{
    LONG threads = (LONG)Run->Batch.Parallel;
    NTSTATUS status = STATUS_SUCCESS;

    for (LONG started = 0; started < threads; started++) {
        status = WorkersStart(RunnerWork, RunnerReport, Run);
        if (!NT_SUCCESS(status)) {
            (VOID) InterlockedExchange(&Run->Stop, 1);
            FinishRun(Run, threads - started);
            break;
        }
    }
    (VOID) WaitFor(&Run->Finished, DeadlineLeft(Run->Deadline) + GRACE_MS);
    return status;
}

/* Frees the run, or leaves that to the thread that is stuck. */
static VOID Leave(BATCH *Run)
{
    if (Run->Batch.Parallel > 1) {
        if (InterlockedCompareExchange(&Run->State, RUN_GIVEN_UP, RUN_WAITED_FOR) == RUN_WAITED_FOR) {
            return;
        }
        /* No limit: the event is set, or will be a few instructions later. */
        (VOID) WaitFor(&Run->Finished, WAIT_FOREVER);
    }
    FreeBatch(Run);
}

/* Adds up what a thread has seen. One that did not come back is stuck in the step where it was last seen. */
static VOID Gather(BATCH *Run, UINT32 Thread, UINT32 *Completed)
{
    RUNNER *runner = &Run->Runner[Thread];
    KIRQL irql;

    KeAcquireSpinLock(&runner->Lock, &irql);
    *Completed += runner->Whole;
    if (!runner->Finished) {
        const WSKT_RESULT stuck = {
            .Status = (UINT32)STATUS_TIMEOUT, .Origin = WSKT_ORIGIN_TIMEOUT, .Executed = 1};

        StatsAdd(StatsOf(Run, Thread, runner->Step), &stuck, FALSE);
        NoteFailure(Run, Thread, runner->Iteration, runner->Step);
    }
    for (UINT32 step = 0; step < Run->Batch.StepCount; step++) {
        StatsMerge(StatsOf(Run, Run->Batch.Parallel, step), StatsOf(Run, Thread, step));
    }
    KeReleaseSpinLock(&runner->Lock, irql);
}

static VOID Report(BATCH *Run, WSKT_BATCH_RESULT *Out)
{
    BOOLEAN repeats = Run->Batch.Repeat > 1 || Run->Batch.Parallel > 1;
    UINT32 failed = Run->FailedStep >= 0 ? Run->FailedThread : 0;
    KIRQL irql;

    Out->Abi = WSKT_ABI;
    Out->StepCount = Run->Batch.StepCount;
    Out->Completed = 0;
    /* The thread that failed first: of several deviations of a step it is its own that is reported. */
    for (UINT32 i = 0; i < Run->Batch.Parallel; i++) {
        Gather(Run, i == 0 ? failed : i <= failed ? i - 1 : i, &Out->Completed);
    }
    KeAcquireSpinLock(&Run->Lock, &irql);
    Out->FailedStep = Run->FailedStep;
    Out->FailedThread = Run->FailedThread;
    Out->FailedIteration = Run->FailedIteration;
    KeReleaseSpinLock(&Run->Lock, irql);
    for (UINT32 step = 0; step < Run->Batch.StepCount; step++) {
        StatsReport(StatsOf(Run, Run->Batch.Parallel, step), repeats, &Out->Result[step]);
    }
}

NTSTATUS BatchRun(const WSKT_BATCH *Batch, WSKT_BATCH_RESULT *Out)
{
    BATCH *run = CreateBatch(Batch);
    NTSTATUS status = STATUS_SUCCESS;

    if (run == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    if (run->Batch.Parallel == 1) {
        RunList(run, 0);
    } else {
        status = RunParallel(run);
    }
    if (NT_SUCCESS(status)) {
        Report(run, Out);
    }
    Leave(run);
    return status;
}
