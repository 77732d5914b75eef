/*
 * call.c - the life of a call that ends later: started, perhaps cancelled, completed, freed.
 */
#include "call.h"

_IRQL_requires_max_(DISPATCH_LEVEL) static VOID Release(CALL *Call)
{
    if (InterlockedDecrement(&Call->References) == 0) {
        ExFreePoolWithTag(Call, MODEL_TAG);
    }
}

/* The client wants its IRP back. The cancel lock is held at entry. */
_IRQL_requires_(DISPATCH_LEVEL) static VOID NTAPI CancelCall(PDEVICE_OBJECT Device, PIRP Irp)
{
    CALL *call = Irp->Tail.Overlay.DriverContext[0];

    UNREFERENCED_PARAMETER(Device);
    IoReleaseCancelSpinLock(Irp->CancelIrql); /* from here on the IRP may be gone */
    call->Cancelled = TRUE;
    (VOID) Winsock()->Cancel((HANDLE)call->Native, &call->Io);
    Release(call);
}

_IRQL_requires_max_(DISPATCH_LEVEL) static VOID MakeCancelable(CALL *Call)
{
    Call->Irp->Tail.Overlay.DriverContext[0] = Call;
    (VOID) InterlockedIncrement(&Call->References);
    (VOID) IoSetCancelRoutine(Call->Irp, CancelCall);
    if (Call->Irp->Cancel && IoSetCancelRoutine(Call->Irp, NULL) != NULL) {
        Call->Cancelled = TRUE;
        Release(Call);
    }
}

/* After this nobody cancels any more; a canceller that is at it has a reference, and has let go of the IRP.
 */
_IRQL_requires_max_(DISPATCH_LEVEL) static VOID MakeUncancelable(CALL *Call)
{
    BOOLEAN removed;
    KIRQL irql;

    IoAcquireCancelSpinLock(&irql);
    removed = IoSetCancelRoutine(Call->Irp, NULL) != NULL;
    IoReleaseCancelSpinLock(irql);
    if (removed) {
        Release(Call);
    }
}

CALL *CallStart(SOCKET *Socket, CALL_KIND Kind, PIRP Irp, NTSTATUS *Status)
{
    CALL *call = Winsock() != NULL ? ModelAllocate(sizeof(*call)) : NULL;
    BOOLEAN open;
    KIRQL irql;

    if (call == NULL) {
        *Status = IrpComplete(Irp, STATUS_INSUFFICIENT_RESOURCES, 0);
        return NULL;
    }
    KeAcquireSpinLock(&Model.Lock, &irql);
    open = !Socket->Closing;
    if (open) {
        Socket->Calls++;
    }
    KeReleaseSpinLock(&Model.Lock, irql);
    if (!open) {
        ExFreePoolWithTag(call, MODEL_TAG);
        *Status = IrpComplete(Irp, STATUS_INVALID_DEVICE_STATE, 0);
        return NULL;
    }
    call->Kind = Kind;
    call->Socket = Socket;
    call->Native = Socket->Native;
    call->Irp = Irp;
    call->References = 2; /* the one who starts it, and the one who completes it */
    if (Irp != NULL) {
        *Status = IrpPend(Irp);
        if (SeamCancelable(TRUE)) {
            MakeCancelable(call);
        }
    }
    return call;
}

NTSTATUS CallBuffer(CALL *Call, const WSK_BUF *Buffer)
{
    SIZE_T left = Buffer->Length;
    ULONG offset = SeamOffset(Buffer->Offset);

    for (PMDL mdl = Buffer->Mdl; left != 0; mdl = mdl->Next, offset = 0) {
        SIZE_T here;
        UINT8 *bytes;

        if (mdl == NULL || offset > MmGetMdlByteCount(mdl)) {
            return STATUS_INVALID_PARAMETER; /* longer than what describes it: Windows stops for that */
        }
        if (Call->PieceCount == MAX_PIECES) {
            return STATUS_INSUFFICIENT_RESOURCES;
        }
        /* Not its system address: Wine gives an MDL none, and has but one address space. */
        bytes = MmGetMdlVirtualAddress(mdl);
        here = MmGetMdlByteCount(mdl) - offset;
        here = here < left ? here : left;
        Call->Pieces[Call->PieceCount].Bytes = bytes + offset;
        Call->Pieces[Call->PieceCount].Length = (ULONG)here;
        Call->PieceCount++;
        left -= here;
    }
    return STATUS_SUCCESS;
}

NTSTATUS CallStarted(CALL *Call, NTSTATUS Status)
{
    if (!NT_SUCCESS(Status)) {
        CallCompleted(Call, Status, 0);
    } else if (Call->Cancelled) {
        /* Asked for before there was anything to cancel. */
        (VOID) Winsock()->Cancel((HANDLE)Call->Native, &Call->Io);
    }
    Release(Call);
    return STATUS_PENDING;
}

VOID CallCompleted(CALL *Call, NTSTATUS Status, ULONG_PTR Bytes)
{
    SOCKET *socket = Call->Socket;

    if (Call->Irp != NULL) {
        MakeUncancelable(Call);
    }
    if (!NT_SUCCESS(Status) && socket->Closing) {
        Status = SeamCancelled(STATUS_CANCELLED);
    }
    switch (Call->Kind) {
    case CALL_ACCEPT: AcceptCompleted(Call, Status); break;
    case CALL_EVENT: AcceptIndicate(Call, Status); break;
    case CALL_CONNECT:
    case CALL_CREATE: ConnectCompleted(Call, Status); break;
    case CALL_FINISH: IrpFinish(Call->Irp, NT_SUCCESS(Status) ? DisconnectNow(socket) : Status, Bytes); break;
    default: IrpFinish(Call->Irp, Status, NT_SUCCESS(Status) ? SeamInformation(Bytes) : 0); break;
    }
    SocketLeave(socket);
    Release(Call);
}
