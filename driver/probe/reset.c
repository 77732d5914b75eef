/*
 * reset.c - tidies up after a case: closes sockets, cancels what is pending, releases every capture,
 * joins threads, deregisters what is left.
 *
 * Nothing here can hang the caller. What does not come back in time stays counted in the result, and
 * then the driver must not be unloaded.
 */
#include "reset.h"
#include "batch.h"
#include "capture.h"
#include "dwell.h"
#include "inflight.h"
#include "kept.h"
#include "namedsocket.h"
#include "pending.h"
#include "pool.h"
#include "provider.h"
#include "server.h"
#include "serverstep.h"
#include "socketcall.h"
#include "step.h"
#include "thread.h"
#include "workers.h"

#define POLL_MS 1u

/* One at a time: two would count each other's guarded calls as left behind. */
static KEVENT ResetFree;

static volatile LONG Closing; /* a worker is closing sockets */

VOID ResetInitialize(VOID) { KeInitializeEvent(&ResetFree, SynchronizationEvent, TRUE); }

/* The part of a residue that can be counted without a lock: all but sockets' IRPs. */
_IRQL_requires_max_(HIGH_LEVEL) static VOID ResidueCount(WSKT_RESIDUE *Residue)
{
    ClientsCount(&Residue->Registrations, &Residue->Captures);
    Residue->Threads = ThreadsBusy() + WorkersBusy() + ContextsBusy();
    Residue->PoolBlocks = PoolBlocks(POOL_CASE) + PoolBlocks(POOL_REQUEST);
    Residue->Sockets = NamedSocketsCount();
}

VOID StatusTell(WSKT_STATUS *Out)
{
    RtlZeroMemory(Out, sizeof(*Out));
    Out->Abi = WSKT_ABI;
    InflightList(Out);
    ResidueCount(&Out->Outstanding);
    Out->Outstanding.Irps = Out->Irps;
}

static VOID CountResidue(WSKT_RESIDUE *Residue)
{
    ResidueCount(Residue);
    Residue->Irps = PendingCount();
    if (ServerOnDemand()) {
        /* Started by a case, so it is the case's to stop. At most one registration and its blocks. */
        Residue->Registrations++;
        Residue->PoolBlocks += PoolBlocks(POOL_SERVER);
    }
}

static BOOLEAN IsClean(const WSKT_RESIDUE *Residue)
{
    return Residue->Registrations == 0 && Residue->Captures == 0 && Residue->Threads == 0 &&
           Residue->PoolBlocks == 0 && Residue->Sockets == 0 && Residue->Irps == 0;
}

static VOID DeregisterWork(PVOID Context)
{
    WSKT_RESULT result = {0};

    ClientDeregister((UINT32)(ULONG_PTR)Context, FALSE, &result);
}

static VOID CloseWork(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    SocketsClose();
    (VOID) InterlockedExchange(&Closing, 0);
}

/* On a worker: a close that blocks must not take the watcher. One at a time. */
static VOID StartSocketClose(VOID)
{
    if (NamedSocketsIdle() && InterlockedCompareExchange(&Closing, 1, 0) == 0 &&
        !NT_SUCCESS(WorkersStart(CloseWork, NULL, NULL))) {
        (VOID) InterlockedExchange(&Closing, 0);
    }
}

static VOID DeactivateWork(PVOID Context)
{
    UNREFERENCED_PARAMETER(Context);
    (VOID) ServerDeactivate();
}

/* A deregistration may never return: each on a worker, none of them waited for here. */
static VOID StartDeregistrations(VOID)
{
    for (UINT32 i = 0; i < WSKT_MAX_CLIENTS; i++) {
        if (ClientNeedsDeregister(i)) {
            (VOID) WorkersStart(DeregisterWork, NULL, (PVOID)(ULONG_PTR)i);
        }
    }
    if (ServerOnDemand()) {
        (VOID) WorkersStart(DeactivateWork, NULL, NULL);
    }
}

NTSTATUS Reset(UINT32 TimeoutMs, WSKT_RESET_OUT *Out)
{
    UINT64 deadline = DeadlineIn(TimeoutMs);

    if (DEFECT(DWELLS_IN_RESET)) {
        Dwell();
    }
    if (WaitFor(&ResetFree, TimeoutMs) != STATUS_SUCCESS) {
        return STATUS_DEVICE_BUSY;
    }
    PendingReap(); /* what has completed is nobody's any more */
    CountResidue(&Out->Before);
    StartSocketClose();
    PendingTidy();
    CapturesReleaseAll();
    StartDeregistrations();
    for (;;) {
        CountResidue(&Out->After);
        if (IsClean(&Out->After) || DeadlineLeft(deadline) == 0) {
            break;
        }
        SleepMs(POLL_MS);
        PendingReap();
        StartSocketClose(); /* of what was busy until now, or was made meanwhile */
        /* A capture that a deregistration has not cancelled is released as soon as it succeeds. */
        CapturesReleaseAll();
    }
    ClientsForget();
    ThreadsForget();
    KeptForget();
    BatchesStop(FALSE);
    ProviderDefaults();
    (VOID) KeSetEvent(&ResetFree, IO_NO_INCREMENT, FALSE);
    return STATUS_SUCCESS;
}
