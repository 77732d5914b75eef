/*
 * step.c - runs one step in the context that it asks for: on the caller's thread at PASSIVE_LEVEL, on a named
 * thread, on one that can be given up, under a spin lock, in a deferred procedure call.
 */
#include "step.h"
#include "operation.h"
#include "provider.h"
#include "thread.h"
#include "workers.h"

/* How long to wait for a step: its own limit, but never beyond the end of its batch. */
static UINT32 StepLimit(const STEP_CALL *Call)
{
    return WithinBatch(Call, Call->Step.TimeoutMs != 0 ? Call->Step.TimeoutMs : WSKT_MAX_WAIT_MS);
}

static VOID TimedOut(WSKT_RESULT *Result, UINT64 Start)
{
    Result->Origin = WSKT_ORIGIN_TIMEOUT;
    Result->Status = (UINT32)STATUS_TIMEOUT;
    Result->ElapsedNs = ClockNs() - Start;
    Result->MaxNs = Result->ElapsedNs;
}

typedef enum GUARD_STATE {
    GUARD_WAITED_FOR,
    GUARD_RETURNED, /* the one who waits frees it */
    GUARD_GIVEN_UP, /* the one who makes the call frees it */
} GUARD_STATE;

typedef struct GUARDED_CALL {
    volatile LONG State;
    KEVENT Returned;
    STEP_CALL Call;
    WSKT_RESULT Result;
} GUARDED_CALL;

static VOID GuardedWork(PVOID Context)
{
    GUARDED_CALL *guarded = Context;

    OperationRun(&guarded->Call, &guarded->Result);
}

static VOID GuardedReport(PVOID Context)
{
    GUARDED_CALL *guarded = Context;

    if (InterlockedCompareExchange(&guarded->State, GUARD_RETURNED, GUARD_WAITED_FOR) == GUARD_WAITED_FOR) {
        (VOID) KeSetEvent(&guarded->Returned, IO_NO_INCREMENT, FALSE); /* it is gone after this */
    } else {
        PoolFree(POOL_REQUEST, guarded);
    }
}

/* Waits for the call; FALSE if it was given up, and is no longer the caller's. */
static BOOLEAN AwaitGuarded(GUARDED_CALL *Guarded, UINT32 Ms)
{
    if (WaitFor(&Guarded->Returned, Ms) == STATUS_SUCCESS) {
        return TRUE;
    }
    if (InterlockedCompareExchange(&Guarded->State, GUARD_GIVEN_UP, GUARD_WAITED_FOR) == GUARD_WAITED_FOR) {
        return FALSE;
    }
    /* It has returned in this moment. No limit: the event is set a few instructions later. */
    (VOID) WaitFor(&Guarded->Returned, WAIT_FOREVER);
    return TRUE;
}

/* On a worker; gives up waiting, not the work, when the step's time is up. */
static VOID RunGuarded(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    GUARDED_CALL *guarded = PoolAllocate(POOL_REQUEST, sizeof(*guarded));
    UINT64 start = ClockNs();
    NTSTATUS status;

    if (guarded == NULL) {
        Refuse(Result, STATUS_INSUFFICIENT_RESOURCES);
        return;
    }
    guarded->Call = *Call;
    guarded->Result = *Result;
    KeInitializeEvent(&guarded->Returned, NotificationEvent, FALSE);
    status = WorkersStart(GuardedWork, GuardedReport, guarded);
    if (!NT_SUCCESS(status)) {
        Refuse(Result, status);
    } else if (AwaitGuarded(guarded, StepLimit(Call))) {
        *Result = guarded->Result;
    } else {
        TimedOut(Result, start);
        return;
    }
    PoolFree(POOL_REQUEST, guarded);
}

static VOID RunUnderSpinLock(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    /* A lock of its own: what matters is to be under one; contention would only time other threads. */
    KSPIN_LOCK lock;
    KIRQL irql;

    KeInitializeSpinLock(&lock);
    KeAcquireSpinLock(&lock, &irql);
    OperationRun(Call, Result);
    KeReleaseSpinLock(&lock, irql);
}

/*
 * Deferred procedure calls are started by a timer that is due at once, which queues the DPC; that way
 * is open on every kernel that this driver runs on (Wine's KeInsertQueueDpc never runs anything).
 * The slots are static, because a timer may be touched for a moment after its DPC has run.
 */
#define DPC_SLOTS 72u

typedef enum DPC_STATE {
    DPC_FREE,
    DPC_CLAIMED,
    DPC_QUEUED,
    DPC_RUNNING,
    DPC_RETURNED,
    DPC_CANCELLED, /* nobody waits any more: when it starts, it does nothing */
    DPC_ORPHANED,  /* nobody waits any more: it is still running */
} DPC_STATE;

typedef struct DPC_SLOT {
    volatile LONG State;
    BOOLEAN Used; /* Timer has been set at least once */
    KTIMER Timer;
    KDPC Dpc;
    KEVENT Returned;
    STEP_CALL Call;
    WSKT_RESULT Result;
} DPC_SLOT;

static DPC_SLOT DpcSlots[DPC_SLOTS];

_IRQL_requires_(DISPATCH_LEVEL) static VOID NTAPI
    DpcRoutine(PKDPC Dpc, PVOID Context, PVOID Argument1, PVOID Argument2)
{
    DPC_SLOT *slot = Context;

    UNREFERENCED_PARAMETER(Dpc);
    UNREFERENCED_PARAMETER(Argument1);
    UNREFERENCED_PARAMETER(Argument2);
    if (InterlockedCompareExchange(&slot->State, DPC_RUNNING, DPC_QUEUED) != DPC_QUEUED) {
        (VOID) InterlockedCompareExchange(&slot->State, DPC_FREE, DPC_CANCELLED);
        return;
    }
    OperationRun(&slot->Call, &slot->Result);
    if (InterlockedCompareExchange(&slot->State, DPC_RETURNED, DPC_RUNNING) == DPC_RUNNING) {
        (VOID) KeSetEvent(&slot->Returned, IO_NO_INCREMENT, FALSE);
    } else {
        (VOID) InterlockedExchange(&slot->State, DPC_FREE);
    }
}

VOID ContextsInitialize(VOID)
{
    for (UINT32 i = 0; i < DPC_SLOTS; i++) {
        KeInitializeTimer(&DpcSlots[i].Timer);
        KeInitializeDpc(&DpcSlots[i].Dpc, DpcRoutine, &DpcSlots[i]);
        KeInitializeEvent(&DpcSlots[i].Returned, SynchronizationEvent, FALSE);
    }
}

static DPC_SLOT *ClaimSlot(VOID)
{
    for (UINT32 i = 0; i < DPC_SLOTS; i++) {
        if (InterlockedCompareExchange(&DpcSlots[i].State, DPC_CLAIMED, DPC_FREE) == DPC_FREE) {
            return &DpcSlots[i];
        }
    }
    return NULL;
}

static VOID RunInDpc(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    DPC_SLOT *slot = ClaimSlot();
    UINT64 start = ClockNs();
    LARGE_INTEGER now;

    if (slot == NULL) {
        Refuse(Result, STATUS_DEVICE_BUSY);
        return;
    }
    slot->Call = *Call;
    slot->Result = *Result;
    slot->Used = TRUE;
    (VOID) InterlockedExchange(&slot->State, DPC_QUEUED);
    now.QuadPart = 0;
    (VOID) KeSetTimer(&slot->Timer, now, &slot->Dpc);

    if (WaitFor(&slot->Returned, StepLimit(Call)) != STATUS_SUCCESS) {
        if (InterlockedCompareExchange(&slot->State, DPC_CANCELLED, DPC_QUEUED) == DPC_QUEUED) {
            Refuse(Result, STATUS_IO_TIMEOUT); /* it never started, so nothing was called */
            if (KeCancelTimer(&slot->Timer)) {
                (VOID) InterlockedCompareExchange(&slot->State, DPC_FREE, DPC_CANCELLED);
            }
            return;
        }
        if (InterlockedCompareExchange(&slot->State, DPC_ORPHANED, DPC_RUNNING) == DPC_RUNNING) {
            TimedOut(Result, start);
            return;
        }
        /* It has returned in this moment. No limit: the event is set a few instructions later. */
        (VOID) WaitFor(&slot->Returned, WAIT_FOREVER);
    }
    *Result = slot->Result;
    /*
     * The timer has expired, so there is nothing to cancel; but where a timer is a thread's callback
     * (Wine), this waits until that is over. Setting the timer again before would deadlock there.
     */
    (VOID) KeCancelTimer(&slot->Timer);
    (VOID) InterlockedExchange(&slot->State, DPC_FREE);
}

VOID StepRun(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    NTSTATUS status = OperationCheck(Call);

    RtlZeroMemory(Result, sizeof(*Result));
    Result->Origin = WSKT_ORIGIN_CALL;
    Result->Executed = 1;
    if (NT_SUCCESS(status)) {
        status = ProviderIsDefault();
    }
    if (!NT_SUCCESS(status)) {
        Refuse(Result, status);
        return;
    }
    if (Call->Step.Thread != 0) {
        ThreadStart(Call, StepRun, Result);
        return;
    }
    switch (Call->Step.Context) {
    case WSKT_CONTEXT_GUARD: RunGuarded(Call, Result); break;
    case WSKT_CONTEXT_SPIN: RunUnderSpinLock(Call, Result); break;
    case WSKT_CONTEXT_DPC: RunInDpc(Call, Result); break;
    default: OperationRun(Call, Result); break;
    }
}

UINT32 ContextsBusy(VOID)
{
    UINT32 busy = 0;

    for (UINT32 i = 0; i < DPC_SLOTS; i++) {
        busy += DpcSlots[i].State != DPC_FREE;
    }
    return busy;
}

VOID ContextsEnd(VOID)
{
    for (UINT32 i = 0; i < DPC_SLOTS; i++) {
        if (DpcSlots[i].Used) {
            (VOID) KeCancelTimer(&DpcSlots[i].Timer);
        }
    }
    KeFlushQueuedDpcs(); /* a DPC that was queued already has run after this */
}
