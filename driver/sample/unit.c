/*
 * unit.c - runs units: repetitions, threads side by side, and one result per step of all runs.
 */
#include "unit.h"
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
    KSPIN_LOCK Lock; /* for all below */
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

NTSTATUS UnitCheck(const WSKT_UNIT *Unit, ULONG InputBytes, ULONG OutputBytes)
{
    if (InputBytes < sizeof(WSKT_UNIT)) {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    if (Unit->Abi != WSKT_ABI) {
        return STATUS_REVISION_MISMATCH;
    }
    if (Unit->StepCount < 1 || Unit->StepCount > WSKT_MAX_STEPS || Unit->Repeat < 1 || Unit->Parallel < 1 ||
        Unit->Parallel > WSKT_MAX_PARALLEL || Unit->ClientStride > WSKT_MAX_CLIENTS || Unit->TimeoutMs < 1 ||
        Unit->TimeoutMs > WSKT_MAX_WAIT_MS) {
        return STATUS_INVALID_PARAMETER;
    }
    if (InputBytes != FIELD_OFFSET(WSKT_UNIT, Step) + Unit->StepCount * sizeof(WSKT_STEP)) {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    return OutputBytes < UnitResultBytes(Unit->StepCount) ? STATUS_BUFFER_TOO_SMALL : STATUS_SUCCESS;
}

static UNIT_RUN *CreateRun(const WSKT_UNIT *Unit)
{
    SIZE_T steps = Unit->StepCount * sizeof(WSKT_STEP);
    SIZE_T results = Unit->StepCount * sizeof(WSKT_RESULT);
    UNIT_RUN *run = PoolAllocate(POOL_REQUEST, FIELD_OFFSET(UNIT_RUN, Step) + steps + results);

    if (run == NULL) {
        return NULL;
    }
    run->Running = (LONG)Unit->Parallel;
    KeInitializeEvent(&run->Finished, NotificationEvent, FALSE);
    KeInitializeSpinLock(&run->Lock);
    run->Deadline = DeadlineIn(Unit->TimeoutMs);
    run->StepCount = Unit->StepCount;
    run->Repeat = Unit->Repeat;
    run->Parallel = Unit->Parallel;
    run->ClientStride = Unit->ClientStride;
    run->FailedStep = -1;
    run->Result = (WSKT_RESULT *)((UINT8 *)run->Step + steps);
    RtlCopyMemory(run->Step, Unit->Step, steps);
    for (UINT32 i = 0; i < run->StepCount; i++) {
        run->Result[i].Origin = WSKT_ORIGIN_SKIPPED;
    }
    return run;
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

/* All repetitions of one thread. PASSIVE_LEVEL. */
static VOID RunList(UNIT_RUN *Run, UINT32 Thread)
{
    BOOLEAN good = TRUE;
    UINT32 iteration = 0;
    KIRQL irql;

    for (; good && iteration < Run->Repeat && !Run->Stop; iteration++) {
        for (UINT32 step = 0; good && step < Run->StepCount; step++) {
            good = RunStep(Run, Thread, iteration, step);
        }
    }
    KeAcquireSpinLock(&Run->Lock, &irql);
    Run->Completed += good && iteration == Run->Repeat;
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
        PoolFree(POOL_REQUEST, Run);
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
    PoolFree(POOL_REQUEST, Run);
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
