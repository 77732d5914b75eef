/*
 * ioctl.c - requests to the control device. The caller is taken to be hostile: every length is
 * checked before anything is read, and the input is copied before the output is written, since both
 * are in one buffer.
 */
#include "device.h"
#include "access.h"
#include "failure.h"
#include "reset.h"
#include "startup.h"
#include "unit.h"

static NTSTATUS Complete(PIRP Irp, NTSTATUS Status, ULONG Bytes)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Bytes;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

NTSTATUS NTAPI DeviceOpen(PDEVICE_OBJECT Device, PIRP Irp)
{
    if (!OpenAllowed(Irp)) {
        return Complete(Irp, STATUS_ACCESS_DENIED, 0);
    }
    /* Wine hands out the handle even if this fails, so what may be used is marked. */
    IoGetCurrentIrpStackLocation(Irp)->FileObject->FsContext = Device;
    return Complete(Irp, STATUS_SUCCESS, 0);
}

/* A handle has nothing of its own: what a case leaves behind is for RESET to count. */
NTSTATUS NTAPI DeviceClose(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    return Complete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS Hello(const DRIVER_OBJECT *Driver, WSKT_HELLO *Out, ULONG OutputBytes, ULONG *Bytes)
{
    if (OutputBytes < sizeof(*Out)) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    RtlZeroMemory(Out, sizeof(*Out));
    Out->Abi = WSKT_ABI;
    Out->Injected = FailureMade();
    Out->ImageBase = (UINT64)(ULONG_PTR)Driver->DriverStart;
    Out->ImageSize = Driver->DriverSize;
    Out->MaxClients = WSKT_MAX_CLIENTS;
    *Bytes = sizeof(*Out);
    return STATUS_SUCCESS;
}

static NTSTATUS RunUnit(PVOID Buffer, ULONG InputBytes, ULONG OutputBytes, ULONG *Bytes)
{
    const WSKT_UNIT *unit = Buffer;
    NTSTATUS status = UnitCheck(unit, InputBytes, OutputBytes);
    UINT32 steps;

    if (!NT_SUCCESS(status)) {
        return status;
    }
    steps = unit->StepCount;
    status = UnitRun(unit, Buffer);
    if (NT_SUCCESS(status)) {
        *Bytes = UnitResultBytes(steps);
    }
    return status;
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

NTSTATUS NTAPI DeviceControl(PDEVICE_OBJECT Device, PIRP Irp)
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
    case IOCTL_WSKT_HELLO:
        status = Hello(Device->DriverObject, buffer, output, &bytes);
        break;
    case IOCTL_WSKT_RUN:
        status = RunUnit(buffer, input, output, &bytes);
        break;
    case IOCTL_WSKT_STARTED:
        status = StartupResult(buffer, output, &bytes);
        break;
    case IOCTL_WSKT_RESET:
        status = RunReset(buffer, input, output, &bytes);
        break;
    default:
        status = STATUS_INVALID_DEVICE_REQUEST;
        break;
    }
    return Complete(Irp, status, bytes);
}
