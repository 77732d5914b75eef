/*
 * irp.c - taking and completing the IRPs of clients.
 */
#include "model.h"

NTSTATUS IrpPend(PIRP Irp)
{
    IoSetNextIrpStackLocation(Irp);
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
        IoSetNextIrpStackLocation(Irp);
        IrpFinish(Irp, Status, Information);
    }
    return Status;
}
