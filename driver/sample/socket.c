/* socket.c - the life of an IRP that carries socket calls. */
#include "socket.h"
#include "clock.h"
#include "pool.h"

/* Socket calls on the loopback take microseconds; one that takes this long is asked to give up. */
#define CALL_LIMIT_MS 10000u

typedef enum CALL_STATE {
    CALL_IDLE,
    CALL_SUBMITTED, /* the provider has the IRP */
    CALL_COMPLETED, /* it is ours again, with a result that was not taken yet */
} CALL_STATE;

static IO_COMPLETION_ROUTINE CallCompleted;

NTSTATUS CallCreate(SOCKET_CALL *Call, PKEVENT Wake)
{
    Call->Irp = PoolIrp(POOL_SERVER, 1);
    Call->Wake = Wake;
    Call->State = CALL_IDLE;
    return Call->Irp != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

VOID CallDestroy(SOCKET_CALL *Call)
{
    if (Call->Irp != NULL) {
        PoolFreeIrp(POOL_SERVER, Call->Irp);
        Call->Irp = NULL;
    }
}

/* Hands the result over, unless somebody has done so already. */
_IRQL_requires_max_(DISPATCH_LEVEL) static VOID
    Deliver(SOCKET_CALL *Call, NTSTATUS Status, ULONG_PTR Information)
{
    PKEVENT wake = Call->Wake; /* Call may be gone as soon as its state has changed */

    if (Call->State == CALL_SUBMITTED) {
        Call->Status = Status;
        Call->Information = Information;
        if (InterlockedCompareExchange(&Call->State, CALL_COMPLETED, CALL_SUBMITTED) == CALL_SUBMITTED) {
            (VOID) KeSetEvent(wake, IO_NETWORK_INCREMENT, FALSE);
        }
    }
}

/* IRQL <= DISPATCH_LEVEL; on any thread, before or after the call that it completes has returned. */
static NTSTATUS NTAPI CallCompleted(PDEVICE_OBJECT Device, PIRP Irp, PVOID Context)
{
    UNREFERENCED_PARAMETER(Device);
    Deliver(Context, Irp->IoStatus.Status, Irp->IoStatus.Information);
    return STATUS_MORE_PROCESSING_REQUIRED; /* the IRP is the driver's own, and stays so */
}

PIRP CallPrepare(SOCKET_CALL *Call)
{
    OMISSION(IRP_NOT_REUSED, IoReuseIrp(Call->Irp, STATUS_UNSUCCESSFUL));
    IoSetCompletionRoutine(Call->Irp, CallCompleted, Call, TRUE, TRUE, TRUE);
    (VOID) InterlockedExchange(&Call->State, CALL_SUBMITTED);
    return Call->Irp;
}

VOID CallBegun(SOCKET_CALL *Call, NTSTATUS Returned)
{
    /*
     * A provider that fails completes the IRP before it returns. One that has returned an error and
     * not done so never took the IRP: waiting for it would be waiting for ever.
     */
    if (!NT_SUCCESS(Returned)) {
        Deliver(Call, Returned, 0);
    }
}

BOOLEAN CallPending(const SOCKET_CALL *Call) { return Call->State == CALL_SUBMITTED; }

BOOLEAN CallTake(SOCKET_CALL *Call)
{
    return InterlockedCompareExchange(&Call->State, CALL_IDLE, CALL_COMPLETED) == CALL_COMPLETED;
}

NTSTATUS CallWait(SOCKET_CALL *Call)
{
    UINT64 deadline = DeadlineIn(CALL_LIMIT_MS);

    while (!CallTake(Call)) {
        UINT32 left = DeadlineLeft(deadline);

        if (left == 0) {
            (VOID) IoCancelIrp(Call->Irp);
            /* No limit: until it completes, the IRP and its buffers are the provider's. */
            left = WAIT_FOREVER;
        }
        (VOID) WaitFor(Call->Wake, left);
    }
    return Call->Status;
}

static volatile LONG OpenSockets;

VOID SocketsCount(LONG Change) { (VOID) InterlockedExchangeAdd(&OpenSockets, Change); }

UINT32 SocketsOpen(VOID) { return (UINT32)OpenSockets; }
