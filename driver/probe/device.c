/*
 * device.c - the control device and its requests. The caller is taken to be hostile: every length is
 * checked before anything is read, and the input is copied before the output is written, since both
 * are in one buffer.
 */
#include "device.h"
#include "access.h"
#include "batch.h"
#include "failure.h"
#include "reset.h"
#include "startup.h"
#include "workers.h"

static DRIVER_DISPATCH DeviceOpen;
static DRIVER_DISPATCH DeviceClose;
static DRIVER_DISPATCH DeviceControl;

static NTSTATUS Complete(PIRP Irp, NTSTATUS Status, ULONG Bytes)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Bytes;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

static NTSTATUS NTAPI DeviceOpen(PDEVICE_OBJECT Device, PIRP Irp)
{
    if (!OpenAllowed(Irp)) {
        return Complete(Irp, STATUS_ACCESS_DENIED, 0);
    }
    /* Wine hands out the handle even if this fails, so what may be used is marked. */
    IoGetCurrentIrpStackLocation(Irp)->FileObject->FsContext = Device;
    return Complete(Irp, STATUS_SUCCESS, 0);
}

/* A handle has nothing of its own: what a case leaves behind is for RESET to count. */
static NTSTATUS NTAPI DeviceClose(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    return Complete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS Hello(const DRIVER_OBJECT *Driver, WSKT_HELLO *Out, ULONG OutputBytes, ULONG *Bytes)
{
    if (OutputBytes < sizeof(*Out)) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    BatchesStop(FALSE); /* somebody new begins */
    RtlZeroMemory(Out, sizeof(*Out));
    Out->Abi = WSKT_ABI;
    Out->Injected = FailureMade();
    Out->ImageBase = (UINT64)(ULONG_PTR)Driver->DriverStart;
    Out->ImageSize = Driver->DriverSize;
    Out->MaxClients = WSKT_MAX_CLIENTS;
    *Bytes = sizeof(*Out);
    return STATUS_SUCCESS;
}

/* On a worker, with a batch that was checked. */
static VOID BatchWork(PVOID Context)
{
    PIRP irp = Context;
    PVOID buffer = irp->AssociatedIrp.SystemBuffer;
    UINT32 steps = ((const WSKT_BATCH *)buffer)->StepCount; /* the result is written over it */
    NTSTATUS status = BatchRun(buffer, buffer);

    irp->IoStatus.Status = status;
    irp->IoStatus.Information = NT_SUCCESS(status) ? BatchResultBytes(steps) : 0;
}

/* Whoever sent the batch is gone, or wants it back. The cancel lock is held at entry. */
static VOID NTAPI BatchCancel(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    BatchesStop(TRUE);
    IoReleaseCancelSpinLock(Irp->CancelIrql); /* from here on the request may be gone */
}

static VOID BatchReport(PVOID Context)
{
    PIRP irp = Context;
    KIRQL irql;

    IoAcquireCancelSpinLock(&irql);
    (VOID) IoSetCancelRoutine(irp, NULL);
    IoReleaseCancelSpinLock(irql);
    IoCompleteRequest(irp, IO_NO_INCREMENT);
}

/*
 * Starts a batch that completes Irp when it is over. It has a thread of the driver's: the one that sends
 * requests may be the only one that does (on Wine it is), and somebody has to be able to end a loop, and to
 * ask what hangs.
 */
static NTSTATUS StartBatch(PIRP Irp, ULONG InputBytes, ULONG OutputBytes)
{
    NTSTATUS status = BatchCheck(Irp->AssociatedIrp.SystemBuffer, InputBytes, OutputBytes);

    if (!NT_SUCCESS(status)) {
        return Complete(Irp, status, 0);
    }
    IoMarkIrpPending(Irp);
    (VOID) IoSetCancelRoutine(Irp, BatchCancel);
    if (Irp->Cancel) {
        BatchesStop(TRUE); /* it was before there was anybody to be told */
    }
    status = WorkersStart(BatchWork, BatchReport, Irp);
    if (!NT_SUCCESS(status)) {
        Irp->IoStatus.Status = status;
        Irp->IoStatus.Information = 0;
        BatchReport(Irp);
    }
    return STATUS_PENDING; /* as it was marked, whatever became of it */
}

static NTSTATUS Status(WSKT_STATUS *Out, ULONG OutputBytes, ULONG *Bytes)
{
    if (OutputBytes < sizeof(*Out)) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    StatusTell(Out);
    *Bytes = sizeof(*Out);
    return STATUS_SUCCESS;
}

static NTSTATUS RunReset(PVOID Buffer, ULONG InputBytes, ULONG OutputBytes, ULONG *Bytes)
{
    const WSKT_RESET_IN *in = Buffer;
    WSKT_RESET_OUT out;
    NTSTATUS status;

    if (InputBytes != sizeof(*in)) {
        return STATUS_INFO_LENGTH_MISMATCH;
    }
    if (OutputBytes < sizeof(out)) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    if (in->Abi != WSKT_ABI) {
        return STATUS_REVISION_MISMATCH;
    }
    if (in->TimeoutMs > WSKT_MAX_WAIT_MS) {
        return STATUS_INVALID_PARAMETER;
    }
    status = Reset(in->TimeoutMs, &out);
    if (NT_SUCCESS(status)) {
        RtlCopyMemory(Buffer, &out, sizeof(out));
        *Bytes = sizeof(out);
    }
    return status;
}

static NTSTATUS NTAPI DeviceControl(PDEVICE_OBJECT Device, PIRP Irp)
{
    const IO_STACK_LOCATION *stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG input = stack->Parameters.DeviceIoControl.InputBufferLength;
    ULONG output = stack->Parameters.DeviceIoControl.OutputBufferLength;
    PVOID buffer = Irp->AssociatedIrp.SystemBuffer;
    ULONG bytes = 0;
    NTSTATUS status;

    if (stack->FileObject == NULL || stack->FileObject->FsContext != Device) {
        return Complete(Irp, STATUS_ACCESS_DENIED, 0);
    }
    switch (stack->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_WSKT_HELLO: status = Hello(Device->DriverObject, buffer, output, &bytes); break;
    case IOCTL_WSKT_RUN: return StartBatch(Irp, input, output);
    case IOCTL_WSKT_STARTED: status = StartupResult(buffer, output, &bytes); break;
    case IOCTL_WSKT_RESET: status = RunReset(buffer, input, output, &bytes); break;
    case IOCTL_WSKT_STOP:
        BatchesStop(TRUE);
        status = STATUS_SUCCESS;
        break;
    case IOCTL_WSKT_STATUS: status = Status(buffer, output, &bytes); break;
    default: status = DEFECT(CODE_TAKEN) ? STATUS_SUCCESS : STATUS_INVALID_DEVICE_REQUEST; break;
    }
    return Complete(Irp, status, bytes);
}

NTSTATUS DeviceCreate(PDRIVER_OBJECT Driver)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(WSKT_DEVICE_NT);
    UNICODE_STRING link = RTL_CONSTANT_STRING(WSKT_DEVICE_DOS);
    PDEVICE_OBJECT device;
    NTSTATUS status = FailureHere();

    Driver->MajorFunction[IRP_MJ_CREATE] = DeviceOpen;
    Driver->MajorFunction[IRP_MJ_CLEANUP] = DeviceClose;
    Driver->MajorFunction[IRP_MJ_CLOSE] = DeviceClose;
    Driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = DeviceControl;
    if (NT_SUCCESS(status)) {
        status = CreateDeviceForAdministrators(Driver, &name, &device);
    }
    if (!NT_SUCCESS(status)) {
        return status;
    }
    status = FailureHere();
    if (NT_SUCCESS(status)) {
        status = IoCreateSymbolicLink(&link, &name);
    }
    if (!NT_SUCCESS(status)) {
        IoDeleteDevice(device);
    }
    return status;
}

VOID DeviceReady(PDRIVER_OBJECT Driver) { Driver->DeviceObject->Flags &= ~(ULONG)DO_DEVICE_INITIALIZING; }

VOID DeviceDelete(PDRIVER_OBJECT Driver)
{
    UNICODE_STRING link = RTL_CONSTANT_STRING(WSKT_DEVICE_DOS);

    if (Driver->DeviceObject != NULL) {
        (VOID) IoDeleteSymbolicLink(&link);
        IoDeleteDevice(Driver->DeviceObject);
    }
}
