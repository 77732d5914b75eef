/*
 * irp.c - taking and completing the IRPs of clients.
 */
#include "model.h"

/* A client's IRP that it has used before has to have gone through IoReuseIrp, which clears this. */
_IRQL_requires_max_(DISPATCH_LEVEL) static VOID Enter(PIRP Irp)
{
    if (Irp->IoStatus.Information != 0) {
        (VOID) InterlockedIncrement(&Model.StaleIrps);
    }
    IoSetNextIrpStackLocation(Irp);
}

NTSTATUS IrpPend(PIRP Irp)
{
    Enter(Irp);
    IoMarkIrpPending(Irp);
    return STATUS_PENDING;
}

VOID IrpFinish(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NETWORK_INCREMENT);
}

NTSTATUS IrpComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    if (Irp != NULL) {
        Enter(Irp);
        IrpFinish(Irp, Status, Information);
    }
    return Status;
}
