/*
 * unit.c - runs units: repetitions, threads side by side, and one result per step of all runs.
 */
#include "unit.h"
#include "histogram.h"
#include "step.h"
#include "worker.h"

/* Beyond the unit's own time, for threads that are between two steps to notice that it is up. */
#define GRACE_MS 250u

/* A thread's place in the list, for saying where it is stuck. */
typedef struct PLACE {
    UINT32 Step;
    UINT32 Iteration;
    BOOLEAN Finished;
} PLACE;

typedef enum RUN_STATE {
    RUN_WAITED_FOR,
    RUN_FINISHED, /* the caller frees it */
    RUN_GIVEN_UP, /* a thread is stuck in a step: the last thread to finish frees it */
} RUN_STATE;

typedef struct UNIT_RUN {
    volatile LONG State;
    volatile LONG Running; /* threads that have not finished */
    volatile LONG NextThread;
    volatile LONG Stop; /* a step was not as expected: threads end after their current list */
    KEVENT Finished;
    UINT64 Deadline;
    UINT32 StepCount;
    UINT32 Repeat;
    UINT32 Parallel;
    UINT32 ClientStride;
    UINT32 SocketStride;
    UINT64 NoMoreAfter; /* on ClockNs: no list begins after this; 0 if only Repeat counts */
    UINT32 Groups;
    UINT32 Seed;
    UINT32 GroupFirst[WSKT_MAX_STEPS + 1]; /* of the steps of each group; the last is StepCount */
    HISTOGRAM *Histogram;                  /* one a step; NULL for a list that runs once */
    KSPIN_LOCK Lock;                       /* for all below, and Histogram */
    PLACE Place[WSKT_MAX_PARALLEL];
    UINT32 Completed;
    INT32 FailedStep;
    UINT32 FailedThread;
    UINT32 FailedIteration;
    BOOLEAN Deviated[WSKT_MAX_STEPS]; /* Result holds a run that was not as expected */
    WSKT_RESULT *Result;              /* StepCount, behind the steps */
    WSKT_STEP Step[1];                /* StepCount */
} UNIT_RUN;

ULONG UnitResultBytes(UINT32 StepCount)
{
    return FIELD_OFFSET(WSKT_UNIT_RESULT, Result) + StepCount * (ULONG)sizeof(WSKT_RESULT);
}

/* Each group has steps, and they are side by side. InputBytes were checked. */
static BOOLEAN GroupsAreInOrder(const WSKT_UNIT *Unit)
{
    UINT32 group = 0;

    for (UINT32 i = 0; i < Unit->StepCount; i++) {
        if (Unit->Step[i].Group == group + 1 && i != 0) {
            group++;
        } else if (Unit->Step[i].Group != group) {
            return FALSE;
        }
    }
    return group + 1 == (Unit->Groups != 0 ? Unit->Groups : 1);
}

NTSTATUS UnitCheck(const WSKT_UNIT *Unit, ULONG InputBytes, ULONG OutputBytes)
{
    if (InputBytes < sizeof(WSKT_UNIT)) {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    if (Unit->Abi != WSKT_ABI) {
        return STATUS_REVISION_MISMATCH;
    }
    if (Unit->StepCount < 1 || Unit->StepCount > WSKT_MAX_STEPS || Unit->Repeat < 1 || Unit->Parallel < 1 ||
        Unit->Parallel > WSKT_MAX_PARALLEL || Unit->ClientStride > WSKT_MAX_CLIENTS ||
        Unit->SocketStride > WSKT_MAX_SOCKETS || Unit->TimeoutMs < 1 || Unit->TimeoutMs > WSKT_MAX_WAIT_MS ||
        Unit->ForMs > Unit->TimeoutMs || Unit->Groups > WSKT_MAX_STEPS) {
        return STATUS_INVALID_PARAMETER;
    }
    if (InputBytes != FIELD_OFFSET(WSKT_UNIT, Step) + Unit->StepCount * sizeof(WSKT_STEP) &&
        !DEFECT(LENGTH_UNCHECKED)) {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    if (!GroupsAreInOrder(Unit)) {
        return STATUS_INVALID_PARAMETER;
    }
    return OutputBytes < UnitResultBytes(Unit->StepCount) ? STATUS_BUFFER_TOO_SMALL : STATUS_SUCCESS;
}

/* Several runs of a step: how long each took is kept. */
static BOOLEAN Repeats(const WSKT_UNIT *Unit)
{
    return Unit->Repeat > 1 || Unit->Parallel > 1;
}

static UNIT_RUN *CreateRun(const WSKT_UNIT *Unit)
{
    SIZE_T steps = Unit->StepCount * sizeof(WSKT_STEP);
    SIZE_T results = Unit->StepCount * sizeof(WSKT_RESULT);
    UNIT_RUN *run = PoolAllocate(POOL_REQUEST, FIELD_OFFSET(UNIT_RUN, Step) + steps + results);

    if (run == NULL) {
        return NULL;
    }
    if (Repeats(Unit)) {
        run->Histogram = PoolAllocate(POOL_REQUEST, Unit->StepCount * sizeof(HISTOGRAM));
        if (run->Histogram == NULL) {
            PoolFree(POOL_REQUEST, run);
            return NULL;
        }
    }
    run->Running = (LONG)Unit->Parallel;
    KeInitializeEvent(&run->Finished, NotificationEvent, FALSE);
    KeInitializeSpinLock(&run->Lock);
    run->Deadline = DeadlineIn(Unit->TimeoutMs);
    run->StepCount = Unit->StepCount;
    run->Repeat = Unit->Repeat;
    run->Parallel = Unit->Parallel;
    run->ClientStride = Unit->ClientStride;
    run->SocketStride = Unit->SocketStride;
    run->NoMoreAfter = Unit->ForMs != 0 ? DeadlineIn(Unit->ForMs) : 0;
    run->Groups = Unit->Groups != 0 ? Unit->Groups : 1;
    run->Seed = Unit->Seed;
    run->GroupFirst[run->Groups] = Unit->StepCount;
    run->FailedStep = -1;
    run->Result = (WSKT_RESULT *)((UINT8 *)run->Step + steps);
    RtlCopyMemory(run->Step, Unit->Step, steps);
    for (UINT32 i = 0; i < run->StepCount; i++) {
        run->Result[i].Origin = WSKT_ORIGIN_SKIPPED;
        if (i != 0 && Unit->Step[i].Group != Unit->Step[i - 1].Group) {
            run->GroupFirst[Unit->Step[i].Group] = i;
        }
    }
    return run;
}

static VOID FreeRun(UNIT_RUN *Run)
{
    if (Run->Histogram != NULL) {
        PoolFree(POOL_REQUEST, Run->Histogram);
    }
    PoolFree(POOL_REQUEST, Run);
}

/* Lock held. The first deviation of the unit is the one that it reports. */
static VOID NoteFailure(UNIT_RUN *Run, UINT32 Thread, UINT32 Iteration, UINT32 Step)
{
    if (Run->FailedStep < 0) {
        Run->FailedStep = (INT32)Step;
        Run->FailedThread = Thread;
        Run->FailedIteration = Iteration;
    }
    (VOID) InterlockedExchange(&Run->Stop, 1);
}

/* Lock held. Result is the first run that was not as expected, else the last one. */
static VOID Merge(UNIT_RUN *Run, UINT32 Step, const WSKT_RESULT *Result, BOOLEAN Expected)
{
    WSKT_RESULT *merged = &Run->Result[Step];
    UINT32 executed = merged->Executed + 1;
    UINT64 max = merged->MaxNs > Result->MaxNs ? merged->MaxNs : Result->MaxNs;

    if (!Run->Deviated[Step]) {
        *merged = *Result;
        Run->Deviated[Step] = !Expected;
    }
    merged->Executed = executed;
    merged->MaxNs = max;
    if (Run->Histogram != NULL) {
        HistogramAdd(&Run->Histogram[Step], Result->ElapsedNs);
    }
}

/* One step of one repetition; FALSE ends the thread's list. PASSIVE_LEVEL. */
static BOOLEAN RunStep(UNIT_RUN *Run, UINT32 Thread, UINT32 Iteration, UINT32 Step)
{
    STEP_CALL call;
    WSKT_RESULT result;
    BOOLEAN expected;
    KIRQL irql;

    call.Step = Run->Step[Step];
    call.Shift = Thread * Run->ClientStride;
    call.SocketShift = Thread * Run->SocketStride;
    call.Deadline = Run->Deadline;

    KeAcquireSpinLock(&Run->Lock, &irql);
    Run->Place[Thread].Step = Step;
    Run->Place[Thread].Iteration = Iteration;
    KeReleaseSpinLock(&Run->Lock, irql);

    if (DeadlineLeft(Run->Deadline) == 0) {
        RtlZeroMemory(&result, sizeof(result));
        result.Origin = WSKT_ORIGIN_REFUSED;
        result.Status = (UINT32)STATUS_IO_TIMEOUT; /* the unit's time was up before this step */
    } else {
        StepRun(&call, &result);
    }
    expected = StepAsExpected(&call.Step, &result);

    KeAcquireSpinLock(&Run->Lock, &irql);
    Merge(Run, Step, &result, expected);
    if (!expected) {
        NoteFailure(Run, Thread, Iteration, Step);
    }
    KeReleaseSpinLock(&Run->Lock, irql);
    return expected;
}

static BOOLEAN TimeIsUp(const UNIT_RUN *Run)
{
    return Run->NoMoreAfter != 0 && ClockNs() >= Run->NoMoreAfter;
}

/* SplitMix64: the same seed and thread give the same choices on every machine. */
static UINT32 NextRandom(UINT64 *State)
{
    UINT64 z = *State += 0x9E3779B97F4A7C15ull;

    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ z >> 27) * 0x94D049BB133111EBull;
    return (UINT32)(z >> 33);
}

/* All repetitions of one thread. PASSIVE_LEVEL. */
static VOID RunList(UNIT_RUN *Run, UINT32 Thread)
{
    UINT64 random = Run->Seed + ((UINT64)Thread << 32);
    BOOLEAN good = TRUE;
    UINT32 iteration = 0;
    KIRQL irql;

    for (; good && iteration < Run->Repeat && !Run->Stop && (iteration == 0 || !TimeIsUp(Run)); iteration++) {
        UINT32 group = Run->Groups > 1 ? NextRandom(&random) % Run->Groups : 0;

        for (UINT32 step = Run->GroupFirst[group]; good && step < Run->GroupFirst[group + 1]; step++) {
            good = RunStep(Run, Thread, iteration, step);
        }
    }
    KeAcquireSpinLock(&Run->Lock, &irql);
    Run->Completed += good && (iteration == Run->Repeat || TimeIsUp(Run));
    Run->Place[Thread].Finished = TRUE;
    KeReleaseSpinLock(&Run->Lock, irql);
}

static VOID RunnerWork(PVOID Context)
{
    UNIT_RUN *run = Context;

    RunList(run, (UINT32)InterlockedIncrement(&run->NextThread) - 1);
}

/* That many threads have finished, or will never be started. */
static VOID Finish(UNIT_RUN *Run, LONG Threads)
{
    if (InterlockedExchangeAdd(&Run->Running, -Threads) != Threads) {
        return;
    }
    if (InterlockedCompareExchange(&Run->State, RUN_FINISHED, RUN_WAITED_FOR) == RUN_WAITED_FOR) {
        (VOID) KeSetEvent(&Run->Finished, IO_NO_INCREMENT, FALSE); /* it is gone after this */
    } else {
        FreeRun(Run);
    }
}

static VOID RunnerReport(PVOID Context)
{
    Finish(Context, 1);
}

/* Starts the threads and waits for them, but no longer than the unit may take. PASSIVE_LEVEL. */
static NTSTATUS RunParallel(UNIT_RUN *Run)
{
    LONG threads = (LONG)Run->Parallel;
    NTSTATUS status = STATUS_SUCCESS;

    for (LONG started = 0; started < threads; started++) {
        status = WorkerStartAny(RunnerWork, RunnerReport, Run);
        if (!NT_SUCCESS(status)) {
            (VOID) InterlockedExchange(&Run->Stop, 1);
            Finish(Run, threads - started);
            break;
        }
    }
    (VOID) WaitFor(&Run->Finished, DeadlineLeft(Run->Deadline) + GRACE_MS);
    return status;
}

/* Frees the run, or leaves that to the thread that is stuck. */
static VOID Leave(UNIT_RUN *Run)
{
    if (Run->Parallel > 1) {
        if (InterlockedCompareExchange(&Run->State, RUN_GIVEN_UP, RUN_WAITED_FOR) == RUN_WAITED_FOR) {
            return;
        }
        /* No limit: the event is set, or will be a few instructions later. */
        (VOID) WaitFor(&Run->Finished, WAIT_FOREVER);
    }
    FreeRun(Run);
}

/* Lock held. A thread that did not come back is stuck in the step where it was last seen. */
static VOID NoteStuckThreads(UNIT_RUN *Run)
{
    for (UINT32 thread = 0; thread < Run->Parallel; thread++) {
        const PLACE *place = &Run->Place[thread];
        WSKT_RESULT stuck = {0};

        if (!place->Finished) {
            stuck.Origin = WSKT_ORIGIN_TIMEOUT;
            stuck.Status = (UINT32)STATUS_TIMEOUT;
            Merge(Run, place->Step, &stuck, FALSE);
            NoteFailure(Run, thread, place->Iteration, place->Step);
        }
    }
}

/* Lock held. */
static VOID NotePercentiles(UNIT_RUN *Run)
{
    for (UINT32 i = 0; Run->Histogram != NULL && i < Run->StepCount; i++) {
        const HISTOGRAM *histogram = &Run->Histogram[i];

        Run->Result[i].P50Ns = HistogramPercentile(histogram, 50, Run->Result[i].MaxNs);
        Run->Result[i].P95Ns = HistogramPercentile(histogram, 95, Run->Result[i].MaxNs);
        Run->Result[i].P99Ns = HistogramPercentile(histogram, 99, Run->Result[i].MaxNs);
    }
}

NTSTATUS UnitRun(const WSKT_UNIT *Unit, WSKT_UNIT_RESULT *Out)
{
    UNIT_RUN *run = CreateRun(Unit);
    NTSTATUS status = STATUS_SUCCESS;
    KIRQL irql;

    if (run == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    if (run->Parallel == 1) {
        RunList(run, 0);
    } else {
        status = RunParallel(run);
    }
    if (NT_SUCCESS(status)) {
        KeAcquireSpinLock(&run->Lock, &irql);
        NoteStuckThreads(run);
        NotePercentiles(run);
        Out->Abi = WSKT_ABI;
        Out->StepCount = run->StepCount;
        Out->Completed = run->Completed;
        Out->FailedStep = run->FailedStep;
        Out->FailedThread = run->FailedThread;
        Out->FailedIteration = run->FailedIteration;
        RtlCopyMemory(Out->Result, run->Result, run->StepCount * sizeof(WSKT_RESULT));
        KeReleaseSpinLock(&run->Lock, irql);
    }
    Leave(run);
    return status;
}
