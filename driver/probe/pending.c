/* pending.c - the life of a socket operation: created, called, completed or left, taken. */
#include "pending.h"
#include "inflight.h"
#include "namedsocket.h"
#include "pool.h"

/* AWAIT is of the oldest operation of a socket or client that was left; CANCEL of the oldest, left or not. */
static PASSIVE_ROUTINE AwaitRun, CancelRun;
static OPERATION_CHECK AwaitCheck;

/* A provider that fails a call completes its IRP before it returns; this is what a slow one gets. */
#define REFUSED_MS 50u

/* What a provider that swallows IRPs may cost: a few KiB of pool each, until the driver unloads. */
#define MAX_PENDING 4096u

static LIST_ENTRY List;
static KSPIN_LOCK ListLock;
static LONG Listed;

static IO_COMPLETION_ROUTINE Completed;
static IO_COMPLETION_ROUTINE CompletedAgain;

VOID PendingInitialize(VOID)
{
    InitializeListHead(&List);
    KeInitializeSpinLock(&ListLock);
}

/* IRQL <= DISPATCH_LEVEL; on any thread, before or after the call that it completes has returned. */
static NTSTATUS NTAPI Completed(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    PENDING *pending = Context;

    UNREFERENCED_PARAMETER(Device);
    pending->Status = Irp->IoStatus.Status;
    pending->Information = Irp->IoStatus.Information;
    pending->Completions = 1;
    (VOID) KeSetEvent(&pending->Done, IO_NETWORK_INCREMENT, FALSE); /* it may be gone after this */
    return STATUS_MORE_PROCESSING_REQUIRED; /* the IRP is the driver's own, and stays so */
}

/*
 * Of the driver's own stack location, which a completion reaches only when the IRP had been completed
 * already. Without that location Windows would stop, and Wine free the IRP.
 */
static NTSTATUS NTAPI CompletedAgain(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    PENDING *pending = Context;

    UNREFERENCED_PARAMETER(Device);
    UNREFERENCED_PARAMETER(Irp);
    pending->Completions = 2;
    return STATUS_MORE_PROCESSING_REQUIRED;
}

/* Frees it; it is in no list. */
static VOID Free(PENDING *Pending)
{
    POOL_USE use = Pending->Aside ? POOL_ASIDE : POOL_CASE;

    InflightEnd(Pending->Inflight);
    if (DEFECT(LEAK_CANCELLED) && Pending->Status == STATUS_CANCELLED) {
        return;
    }
    if (Pending->Buffer.Mdl != NULL) {
        PoolFreeMdl(use, Pending->Buffer.Mdl);
    }
    if (Pending->Irp != NULL) {
        PoolFreeIrp(use, Pending->Irp);
    }
    PoolFree(use, Pending);
}

PENDING *PendingCreate(UINT32 Op, UINT32 Owner, UINT32 Target, BOOLEAN WithIrp)
{
    PENDING *pending = NULL;
    KIRQL irql;

    if (Listed < (LONG)MAX_PENDING) {
        pending = PoolAllocate(POOL_CASE, sizeof(*pending));
    }
    if (pending == NULL) {
        return NULL;
    }
    pending->Op = Op;
    pending->Owner = Owner;
    pending->Target = Target;
    pending->Claimed = TRUE;
    pending->Status = STATUS_PENDING;
    pending->Inflight = NOT_INFLIGHT;
    KeInitializeEvent(&pending->Done, NotificationEvent, FALSE);
    if (WithIrp) {
        pending->Irp = PoolIrp(POOL_CASE, 2); /* a stack location for the provider, and the driver's own */
        if (pending->Irp == NULL) {
            PoolFree(POOL_CASE, pending);
            return NULL;
        }
        /* As IoReuseIrp leaves it: a status that nobody writes must not look like success. */
        pending->Irp->IoStatus.Status = STATUS_UNSUCCESSFUL;
        pending->Inflight = InflightBeginIrp(Op);
        IoSetCompletionRoutine(pending->Irp, CompletedAgain, pending, TRUE, TRUE, TRUE);
        IoSetNextIrpStackLocation(pending->Irp);
        IoSetCompletionRoutine(pending->Irp, Completed, pending, TRUE, TRUE, TRUE);
    }
    KeAcquireSpinLock(&ListLock, &irql);
    InsertTailList(&List, &pending->Link);
    Listed++;
    KeReleaseSpinLock(&ListLock, irql);
    return pending;
}

NTSTATUS PendingBuffer(PENDING *Pending, ULONG Offset, ULONG Bytes)
{
    RtlFillMemory(Pending->Data, sizeof(Pending->Data), UNWRITTEN);
    Pending->Buffer.Mdl = PoolMdl(POOL_CASE, Pending->Data, sizeof(Pending->Data));
    if (Pending->Buffer.Mdl == NULL) {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    /* Never beyond the MDL: Windows stops for that. */
    Pending->Buffer.Offset = Offset;
    Pending->Buffer.Length = DEFECT(BEYOND_MDL) ? sizeof(Pending->Data) + 1 : Bytes;
    return STATUS_SUCCESS;
}

VOID PendingDestroy(PENDING *Pending)
{
    KIRQL irql;

    KeAcquireSpinLock(&ListLock, &irql);
    RemoveEntryList(&Pending->Link);
    Listed--;
    KeReleaseSpinLock(&ListLock, irql);
    while (Pending->Cancellers != 0) {
        SleepMs(0); /* no limit: IoCancelIrp is about to return, and was found in the list before */
    }
    Free(Pending);
}

static BOOLEAN IsDone(PENDING *Pending)
{
    return Pending->Irp == NULL || KeReadStateEvent(&Pending->Done) != 0;
}

static VOID SetAside(PENDING *Pending)
{
    PoolMove(POOL_CASE, POOL_ASIDE, 1 + (Pending->Irp != NULL) + (Pending->Buffer.Mdl != NULL));
    Pending->Aside = TRUE;
}

/* What came is the pattern, and beside the buffer nothing was written. */
static BOOLEAN Matches(const PENDING *Pending)
{
    SIZE_T first = Pending->Buffer.Offset;
    SIZE_T end = first + Pending->Buffer.Length;

    if (Pending->Information > Pending->Buffer.Length) {
        return FALSE;
    }
    for (SIZE_T i = 0; i < sizeof(Pending->Data); i++) {
        BOOLEAN came = i >= first && i < first + Pending->Information;
        UINT8 want = came ? (UINT8)(Pending->Pattern + (i - first)) : UNWRITTEN;

        if ((came || i < first || i >= end) && Pending->Data[i] != want) {
            return FALSE;
        }
    }
    return TRUE;
}

static BOOLEAN GivesSocket(const PENDING *Pending)
{
    return Pending->Op == WSKT_OP_SOCKET || Pending->Op == WSKT_OP_SOCKET_CONNECT ||
           Pending->Op == WSKT_OP_ACCEPT;
}

static VOID DescribePending(PENDING *Pending, BOOLEAN Done, WSKT_RESULT *Result)
{
    NTSTATUS status = Pending->Returned;

    Result->Value[WSKT_V_SOCKET_CALL] = (UINT32)Pending->Returned;
    Result->Value[WSKT_V_SOCKET_OUTPUT] = Pending->OutputSize;
    if (Pending->Irp == NULL) {
        Result->Status = (UINT32)status;
        return;
    }
    if (Done) {
        status = Pending->Status;
        Result->Value[WSKT_V_SOCKET_INFORMATION] =
            GivesSocket(Pending) ? Pending->Information != 0 : Pending->Information;
        Result->Value[WSKT_V_SOCKET_MATCH] = Matches(Pending);
    } else if (NT_SUCCESS(status)) {
        status = STATUS_PENDING;
    }
    Result->Status = (UINT32)status;
    Result->Value[WSKT_V_SOCKET_IRP] = (UINT32)(Done ? Pending->Status : STATUS_PENDING);
    Result->Value[WSKT_V_SOCKET_COMPLETED] = Done ? (UINT64)Pending->Completions : 0;
    if (Done && Pending->Op == WSKT_OP_ADDRESS) {
        Result->Value[WSKT_V_SOCKET_PORT] =
            (UINT16)(Pending->Address.V4.sin_port << 8 | Pending->Address.V4.sin_port >> 8);
    }
}

/* What the completion means for the named socket. A refused call that never completes gives none. */
static VOID Apply(const PENDING *Pending, BOOLEAN Done)
{
    BOOLEAN made = GivesSocket(Pending) && Done && Pending->Irp != NULL && NT_SUCCESS(Pending->Status);

    if (Pending->Target != NO_SOCKET) {
        NamedSocketOpened(Pending->Target, made ? (PWSK_SOCKET)Pending->Information : NULL);
    }
}

/* The operation is claimed. Ends the claim in one way or the other. */
static VOID TakePending(PENDING *Pending, BOOLEAN Done)
{
    KIRQL irql;

    if (Done) {
        Apply(Pending, TRUE);
        PendingDestroy(Pending);
        return;
    }
    if (!NT_SUCCESS(Pending->Returned)) {
        Apply(Pending, FALSE);
        Pending->Target = NO_SOCKET;
    }
    KeAcquireSpinLock(&ListLock, &irql);
    Pending->Claimed = FALSE;
    KeReleaseSpinLock(&ListLock, irql);
}

VOID PendingSettle(PENDING *Pending, NTSTATUS Returned, UINT32 Ms, BOOLEAN Aside, WSKT_RESULT *Result)
{
    UINT32 limit = !NT_SUCCESS(Returned) && Ms > REFUSED_MS ? REFUSED_MS : Ms;
    BOOLEAN done;

    Pending->Returned = Returned;
    done = Pending->Irp == NULL || WaitFor(&Pending->Done, limit) == STATUS_SUCCESS;
    DescribePending(Pending, done, Result);
    if (!done && Aside && !NT_SUCCESS(Returned)) {
        SetAside(Pending);
    }
    TakePending(Pending, done);
}

/* The oldest operation of an owner, claimed; or, for a canceller, referenced. NULL if there is none. */
static PENDING *FindPending(UINT32 Owner, BOOLEAN Claim)
{
    PENDING *found = NULL;
    KIRQL irql;

    KeAcquireSpinLock(&ListLock, &irql);
    for (LIST_ENTRY *link = List.Flink; link != &List && found == NULL; link = link->Flink) {
        PENDING *pending = CONTAINING_RECORD(link, PENDING, Link);

        if (pending->Owner == Owner && !pending->Aside && !(Claim && pending->Claimed)) {
            found = pending;
        }
    }
    if (found != NULL && Claim) {
        found->Claimed = TRUE;
    } else if (found != NULL) {
        (VOID) InterlockedIncrement(&found->Cancellers);
    }
    KeReleaseSpinLock(&ListLock, irql);
    return found;
}

static BOOLEAN OfClient(const STEP_CALL *Call) { return (Call->Step.Arg[4] & WSKT_SOCKET_CLIENT) != 0; }

/* The owner that the step names. */
static UINT32 OwnerArg(const STEP_CALL *Call)
{
    return OfClient(Call) ? OWNER_CLIENT | ClientArg(Call, 0) : SocketArg(Call, 0);
}

static NTSTATUS AwaitCheck(const STEP_CALL *Call)
{
    UINT64 index = Call->Step.Arg[0];

    return Sound(SocketBounds(Call) && (OfClient(Call) ? IsClient(Call, index) : IsSocket(Call, index)));
}

static VOID AwaitRun(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    PENDING *pending = FindPending(OwnerArg(Call), TRUE);
    BOOLEAN done;

    if (pending == NULL) {
        Refuse(Result, STATUS_INVALID_DEVICE_STATE);
        return;
    }
    done = WaitFor(&pending->Done, WithinBatch(Call, Call->Step.Arg[5])) == STATUS_SUCCESS;
    DescribePending(pending, done, Result);
    TakePending(pending, done);
}

static VOID CancelRun(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    PENDING *pending = FindPending(OwnerArg(Call), FALSE);

    if (pending == NULL || pending->Irp == NULL) {
        Refuse(Result, STATUS_INVALID_DEVICE_STATE);
    } else {
        (VOID) IoCancelIrp(pending->Irp);
    }
    if (pending != NULL) {
        (VOID) InterlockedDecrement(&pending->Cancellers);
    }
}

UINT32 PendingCount(VOID)
{
    UINT32 count = 0;
    KIRQL irql;

    KeAcquireSpinLock(&ListLock, &irql);
    for (LIST_ENTRY *link = List.Flink; link != &List; link = link->Flink) {
        count += !CONTAINING_RECORD(link, PENDING, Link)->Aside;
    }
    KeReleaseSpinLock(&ListLock, irql);
    return count;
}

/* Claims one that is left and has completed, or has not, as asked; NULL when there is no more. */
static PENDING *FindLeft(BOOLEAN Done, BOOLEAN Aside)
{
    PENDING *found = NULL;
    KIRQL irql;

    KeAcquireSpinLock(&ListLock, &irql);
    for (LIST_ENTRY *link = List.Flink; link != &List && found == NULL; link = link->Flink) {
        PENDING *pending = CONTAINING_RECORD(link, PENDING, Link);

        if (!pending->Claimed && pending->Aside == Aside && IsDone(pending) == Done) {
            pending->Claimed = TRUE;
            found = pending;
        }
    }
    KeReleaseSpinLock(&ListLock, irql);
    return found;
}

VOID PendingReap(VOID)
{
    PENDING *pending;

    while ((pending = FindLeft(TRUE, FALSE)) != NULL || (pending = FindLeft(TRUE, TRUE)) != NULL) {
        /* The completion routine sets the event last: no limit, it has been set. */
        (VOID) WaitFor(&pending->Done, WAIT_FOREVER);
        TakePending(pending, TRUE);
    }
}

VOID PendingTidy(VOID)
{
    LIST_ENTRY *link;
    KIRQL irql;

    PendingReap();
    for (LONG i = Listed; i > 0; i--) { /* as many as there are now: each at most once */
        PENDING *pending = FindLeft(FALSE, FALSE);

        if (pending == NULL) {
            break;
        }
        if (!NT_SUCCESS(pending->Returned)) {
            SetAside(pending); /* refused: the provider never took the IRP */
        } else {
            (VOID) IoCancelIrp(pending->Irp);
        }
        KeAcquireSpinLock(&ListLock, &irql);
        link = &pending->Link; /* to the end, so that the next one found is another */
        RemoveEntryList(link);
        InsertTailList(&List, link);
        pending->Claimed = FALSE;
        KeReleaseSpinLock(&ListLock, irql);
    }
}

VOID PendingEnd(VOID)
{
    PENDING *pending;

    PendingTidy();
    while (PendingCount() != 0) {
        /* No limit: the provider has IRPs whose completion routine is in this image. */
        SleepMs(1);
        PendingTidy();
    }
    while ((pending = FindLeft(FALSE, TRUE)) != NULL) {
        PendingDestroy(pending);
    }
}

const OPERATION AwaitOperation = {AwaitRun, AwaitCheck, LEVEL_PASSIVE};
const OPERATION CancelOperation = {CancelRun, AwaitCheck, LEVEL_PASSIVE};
