/* thread.c - named kernel threads: start an operation on one, see whether it is blocked, join it. */
#include "thread.h"
#include "worker.h"

static PASSIVE_ROUTINE BlockedRun, JoinRun;
static OPERATION_CHECK ThreadCheck;

typedef enum THREAD_STATE {
    THREAD_UNUSED,
    THREAD_RUNNING,
    THREAD_RETURNED,
} THREAD_STATE;

typedef struct THREAD {
    KSPIN_LOCK Lock; /* for State, and Result once it is there */
    THREAD_STATE State;
    KEVENT Returned; /* set while nothing runs */
    WORKER Worker;
    PASSIVE_ROUTINE *Run;
    STEP_CALL Call;
    WSKT_RESULT Result;
} THREAD;

static THREAD Threads[WSKT_MAX_THREADS];

VOID ThreadsInitialize(VOID)
{
    for (UINT32 i = 0; i < WSKT_MAX_THREADS; i++) {
        KeInitializeSpinLock(&Threads[i].Lock);
        KeInitializeEvent(&Threads[i].Returned, NotificationEvent, TRUE);
        WorkerInitialize(&Threads[i].Worker, POOL_CASE);
    }
}

/* Nothing runs any more. State and event change together: who sees the one may rely on the other. */
static VOID FinishThread(THREAD *Thread, THREAD_STATE State)
{
    KIRQL irql;

    KeAcquireSpinLock(&Thread->Lock, &irql);
    Thread->State = State;
    (VOID) KeSetEvent(&Thread->Returned, IO_NO_INCREMENT, FALSE);
    KeReleaseSpinLock(&Thread->Lock, irql);
}

static VOID ThreadWork(PVOID Context)
{
    THREAD *thread = Context;

    thread->Run(&thread->Call, &thread->Result);
    FinishThread(thread, THREAD_RETURNED);
}

VOID ThreadStart(const STEP_CALL *Call, PASSIVE_ROUTINE *Run, WSKT_RESULT *Result)
{
    THREAD *thread = &Threads[Call->Step.Thread - 1];
    THREAD_STATE before;
    NTSTATUS status;
    KIRQL irql;

    KeAcquireSpinLock(&thread->Lock, &irql);
    before = thread->State;
    if (before != THREAD_RUNNING) {
        thread->State = THREAD_RUNNING;
        if (!DEFECT(STALE_EVENT)) {
            KeClearEvent(&thread->Returned);
        }
    }
    KeReleaseSpinLock(&thread->Lock, irql);
    if (before == THREAD_RUNNING) {
        Refuse(Result, STATUS_DEVICE_BUSY);
        return;
    }

    thread->Run = Run;
    thread->Call = *Call;
    thread->Call.Step.Thread = 0;
    thread->Call.Named = Call->Step.Thread;
    /* It may outlast the batch that started it: the batch's time is not the thread's. */
    thread->Call.Deadline = DeadlineIn(WSKT_MAX_WAIT_MS);
    status = WorkerStartAgain(&thread->Worker, ThreadWork, thread);
    if (!NT_SUCCESS(status)) {
        FinishThread(thread, before);
        Refuse(Result, status);
        return;
    }
    Result->Origin = WSKT_ORIGIN_ASYNC;
    Result->Status = (UINT32)STATUS_PENDING;
}

/* Waits for the thread's operation; FALSE, with the step refused, where none was ever started. */
static BOOLEAN Await(UINT32 Index, UINT32 Ms, WSKT_RESULT *Result, WSKT_RESULT *Operation)
{
    THREAD *thread = &Threads[Index];
    THREAD_STATE state;
    KIRQL irql;

    KeAcquireSpinLock(&thread->Lock, &irql);
    state = thread->State;
    KeReleaseSpinLock(&thread->Lock, irql);
    if (state == THREAD_UNUSED) {
        Refuse(Result, STATUS_INVALID_DEVICE_STATE);
        return FALSE;
    }

    (VOID) WaitFor(&thread->Returned, Ms);

    KeAcquireSpinLock(&thread->Lock, &irql);
    if (thread->State == THREAD_RETURNED) {
        *Operation = thread->Result;
        Result->Value[WSKT_V_THREAD_STATUS] = Operation->Status;
        Result->Value[WSKT_V_THREAD_DONE] = 1;
        Result->Value[WSKT_V_THREAD_NS] = Operation->ElapsedNs;
    }
    KeReleaseSpinLock(&thread->Lock, irql);
    return TRUE;
}

/* A wait may end a tick of the clock early. */
#define TICK_MS 16u

static VOID BlockedRun(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    UINT32 ms = (UINT32)Call->Step.Arg[1];
    UINT64 seen = DeadlineIn(ms > TICK_MS ? ms - TICK_MS : 0);
    WSKT_RESULT operation;

    if (ms > DeadlineLeft(Call->Deadline)) {
        Refuse(Result, STATUS_IO_TIMEOUT); /* a shorter wait would claim more than it has seen */
        return;
    }
    if (!Await((UINT32)Call->Step.Arg[0], ms, Result, &operation)) {
        return;
    }
    Result->Status = (UINT32)(Result->Value[WSKT_V_THREAD_DONE] != 0 ? STATUS_SUCCESS : STATUS_TIMEOUT);
    if (Result->Value[WSKT_V_THREAD_DONE] == 0 && DeadlineLeft(seen) != 0) {
        Refuse(Result, STATUS_INTERNAL_ERROR); /* not looked at for so long, whatever ended the wait */
    }
}

static VOID JoinRun(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    WSKT_RESULT operation;

    if (!Await((UINT32)Call->Step.Arg[0], WithinBatch(Call, Call->Step.Arg[1]), Result, &operation)) {
        return;
    }
    if (Result->Value[WSKT_V_THREAD_DONE] != 0) {
        /* With its origin, so that an operation that was refused is not taken for WSK's answer. */
        Result->Status = operation.Status;
        Result->Origin = operation.Origin;
    } else {
        Result->Status = (UINT32)STATUS_TIMEOUT;
        Result->Origin = WSKT_ORIGIN_TIMEOUT;
    }
}

static NTSTATUS ThreadCheck(const STEP_CALL *Call)
{
    return Sound(Call->Step.Arg[0] < WSKT_MAX_THREADS && Call->Step.Arg[1] <= WSKT_MAX_WAIT_MS);
}

UINT32 ThreadsBusy(VOID)
{
    UINT32 busy = 0;

    for (UINT32 i = 0; i < WSKT_MAX_THREADS; i++) {
        busy += Threads[i].State == THREAD_RUNNING;
    }
    return busy;
}

VOID ThreadsForget(VOID)
{
    for (UINT32 i = 0; i < WSKT_MAX_THREADS; i++) {
        KIRQL irql;

        KeAcquireSpinLock(&Threads[i].Lock, &irql);
        if (Threads[i].State == THREAD_RETURNED) {
            Threads[i].State = THREAD_UNUSED;
        }
        KeReleaseSpinLock(&Threads[i].Lock, irql);
    }
}

VOID ThreadsEnd(VOID)
{
    for (UINT32 i = 0; i < WSKT_MAX_THREADS; i++) {
        WorkerEnd(&Threads[i].Worker);
    }
}

const OPERATION BlockedOperation = {BlockedRun, ThreadCheck, LEVEL_PASSIVE};
const OPERATION JoinOperation = {JoinRun, ThreadCheck, LEVEL_PASSIVE};
