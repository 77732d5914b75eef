/*
 * mailbox.c - a driver whose requests wait for each other: one that wants a letter is pending until another
 * brings it, or until it is cancelled. It knows nothing of the harness that tests it.
 *
 * Who completes a request is whoever takes its cancel routine away: the cancel routine itself, which the I/O
 * manager has taken then, or Give, or Cleanup. ("Canceling IRPs" in the driver kit's documentation.)
 */
#include <ntddk.h>

#include "mailbox.h"

#define DEVICE_NAME L"\\Device\\Mailbox"
#define LINK_NAME   L"\\DosDevices\\Mailbox"

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD Unload;
static DRIVER_DISPATCH OpenOrClose, Cleanup, Read, Write, Control;
static DRIVER_CANCEL Cancel;

typedef struct LETTER {
    ULONG Bytes;
    UCHAR Data[MAILBOX_LETTER_BYTES];
} LETTER;

static KSPIN_LOCK Lock; /* for all that follows */
static LETTER Letter[MAILBOX_LETTERS];
static ULONG First, Letters; /* the oldest one, and how many there are */
static LIST_ENTRY Waiting;   /* requests, the oldest one first */
static PIRP Held;

/* Any IRQL up to DISPATCH_LEVEL. The IRP is not ours any more afterwards. */
static NTSTATUS Complete(PIRP Irp, NTSTATUS Status, ULONG_PTR Bytes)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Bytes;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* PASSIVE_LEVEL. */
static NTSTATUS NTAPI OpenOrClose(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    return Complete(Irp, STATUS_SUCCESS, 0);
}

/* Where the request's letter goes, and how much of it there is room for. */
static PVOID RoomOf(PIRP Irp, ULONG *Bytes)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);

    if (stack->MajorFunction == IRP_MJ_READ) {
        *Bytes = stack->Parameters.Read.Length;
    } else {
        *Bytes = stack->Parameters.DeviceIoControl.OutputBufferLength;
    }
    return Irp->AssociatedIrp.SystemBuffer;
}

/* Ends a request with a letter. Up to DISPATCH_LEVEL, without the lock. */
static NTSTATUS Deliver(PIRP Irp, const LETTER *From)
{
    ULONG room = 0;
    PVOID buffer = RoomOf(Irp, &room);
    ULONG bytes = From->Bytes < room ? From->Bytes : room;

    if (bytes != 0) {
        RtlCopyMemory(buffer, From->Data, bytes);
    }
    return Complete(Irp, bytes < From->Bytes ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS, bytes);
}

/* Of a request that waits. IRQL: DISPATCH_LEVEL, with the cancel lock, which it gives back. */
static VOID NTAPI Cancel(PDEVICE_OBJECT Device, PIRP Irp)
{
    KIRQL irql;

    UNREFERENCED_PARAMETER(Device);
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    KeAcquireSpinLock(&Lock, &irql);
    RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
    KeReleaseSpinLock(&Lock, irql);
    Complete(Irp, STATUS_CANCELLED, 0);
}

/* The request that has waited longest, of one file or (NULL) of any; NULL: none. With the lock. */
static PIRP NextWaiting(PFILE_OBJECT File)
{
    for (PLIST_ENTRY entry = Waiting.Flink; entry != &Waiting; entry = entry->Flink) {
        PIRP irp = CONTAINING_RECORD(entry, IRP, Tail.Overlay.ListEntry);

        if (File != NULL && IoGetCurrentIrpStackLocation(irp)->FileObject != File) {
            continue;
        }
        if (IoSetCancelRoutine(irp, NULL) != NULL) {
            RemoveEntryList(entry);
            return irp;
        } /* else Cancel is on its way, and takes it out itself */
    }
    return NULL;
}

/* The request waits, unless it is cancelled already. With the lock. FALSE: it is the caller's to complete. */
static BOOLEAN Wait(PIRP Irp)
{
    IoMarkIrpPending(Irp);
    InsertTailList(&Waiting, &Irp->Tail.Overlay.ListEntry);
    IoSetCancelRoutine(Irp, Cancel);
    if (Irp->Cancel && IoSetCancelRoutine(Irp, NULL) != NULL) {
        RemoveEntryList(&Irp->Tail.Overlay.ListEntry);
        return FALSE;
    }
    return TRUE;
}

/* Up to DISPATCH_LEVEL. */
static NTSTATUS Take(PIRP Irp)
{
    BOOLEAN there, waits = FALSE;
    LETTER oldest = {0};
    KIRQL irql;

    KeAcquireSpinLock(&Lock, &irql);
    there = Letters != 0;
    if (there) {
        oldest = Letter[First];
        First = (First + 1) % MAILBOX_LETTERS;
        Letters--;
    } else {
        waits = Wait(Irp);
    }
    KeReleaseSpinLock(&Lock, irql);
    if (there) {
        return Deliver(Irp, &oldest);
    }
    if (!waits) {
        Complete(Irp, STATUS_CANCELLED, 0);
    }
    return STATUS_PENDING;
}

/* A letter, in one piece or in two. Up to DISPATCH_LEVEL. */
static NTSTATUS Give(const VOID *Data, ULONG Bytes, const VOID *More, ULONG MoreBytes)
{
    NTSTATUS status = STATUS_SUCCESS;
    LETTER letter;
    PIRP waiting;
    KIRQL irql;

    if (Bytes > MAILBOX_LETTER_BYTES || MoreBytes > MAILBOX_LETTER_BYTES - Bytes || Bytes + MoreBytes == 0) {
        return STATUS_INVALID_BUFFER_SIZE;
    }
    letter.Bytes = Bytes + MoreBytes;
    if (Bytes != 0) {
        RtlCopyMemory(letter.Data, Data, Bytes);
    }
    if (MoreBytes != 0) {
        RtlCopyMemory(letter.Data + Bytes, More, MoreBytes);
    }
    KeAcquireSpinLock(&Lock, &irql);
    waiting = NextWaiting(NULL);
    if (waiting == NULL && Letters == MAILBOX_LETTERS) {
        status = STATUS_QUOTA_EXCEEDED;
    } else if (waiting == NULL) {
        Letter[(First + Letters++) % MAILBOX_LETTERS] = letter;
    }
    KeReleaseSpinLock(&Lock, irql);
    if (waiting != NULL) {
        (VOID) Deliver(waiting, &letter);
    }
    return status;
}

/* Up to DISPATCH_LEVEL. */
static NTSTATUS Peek(PVOID Room, ULONG RoomBytes, ULONG_PTR *Written)
{
    NTSTATUS status = STATUS_NO_MORE_ENTRIES;
    KIRQL irql;

    KeAcquireSpinLock(&Lock, &irql);
    if (Letters != 0 && Letter[First].Bytes > RoomBytes) {
        status = STATUS_BUFFER_TOO_SMALL;
    } else if (Letters != 0) {
        RtlCopyMemory(Room, Letter[First].Data, Letter[First].Bytes);
        *Written = Letter[First].Bytes;
        status = STATUS_SUCCESS;
    }
    KeReleaseSpinLock(&Lock, irql);
    return status;
}

/* Up to DISPATCH_LEVEL. */
static NTSTATUS TellCount(ULONG *Out, ULONG OutBytes, ULONG_PTR *Written)
{
    KIRQL irql;

    if (OutBytes < 2 * sizeof(*Out)) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    KeAcquireSpinLock(&Lock, &irql);
    Out[0] = Letters;
    Out[1] = 0;
    for (PLIST_ENTRY entry = Waiting.Flink; entry != &Waiting; entry = entry->Flink) {
        Out[1]++;
    }
    KeReleaseSpinLock(&Lock, irql);
    *Written = 2 * sizeof(*Out);
    return STATUS_SUCCESS;
}

/* Up to DISPATCH_LEVEL. */
static NTSTATUS Empty(VOID)
{
    KIRQL irql;

    KeAcquireSpinLock(&Lock, &irql);
    Letters = 0;
    KeReleaseSpinLock(&Lock, irql);
    return STATUS_SUCCESS;
}

/* Up to DISPATCH_LEVEL. */
static NTSTATUS Hold(PIRP Irp)
{
    BOOLEAN taken;
    KIRQL irql;

    KeAcquireSpinLock(&Lock, &irql);
    taken = Held != NULL;
    if (!taken) {
        IoMarkIrpPending(Irp);
        Held = Irp;
    }
    KeReleaseSpinLock(&Lock, irql);
    return taken ? Complete(Irp, STATUS_DEVICE_BUSY, 0) : STATUS_PENDING;
}

/* Up to DISPATCH_LEVEL. */
static NTSTATUS LetGo(VOID)
{
    PIRP held;
    KIRQL irql;

    KeAcquireSpinLock(&Lock, &irql);
    held = Held;
    Held = NULL;
    KeReleaseSpinLock(&Lock, irql);
    if (held == NULL) {
        return STATUS_NO_MORE_ENTRIES;
    }
    Complete(held, STATUS_SUCCESS, 0);
    return STATUS_SUCCESS;
}

/* The second buffer of a direct request; *Bytes 0: none was given. */
static NTSTATUS Second(PIRP Irp, PVOID *Data, ULONG *Bytes)
{
    *Data = NULL;
    if (Irp->MdlAddress == NULL) {
        *Bytes = 0;
        return STATUS_SUCCESS;
    }
    *Data = MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority);
    return *Data != NULL ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
}

/* PASSIVE_LEVEL. */
static NTSTATUS NTAPI Read(PDEVICE_OBJECT Device, PIRP Irp)
{
    UNREFERENCED_PARAMETER(Device);
    return Take(Irp);
}

/* PASSIVE_LEVEL. */
static NTSTATUS NTAPI Write(PDEVICE_OBJECT Device, PIRP Irp)
{
    ULONG bytes = IoGetCurrentIrpStackLocation(Irp)->Parameters.Write.Length;
    NTSTATUS status = Give(Irp->AssociatedIrp.SystemBuffer, bytes, NULL, 0);

    UNREFERENCED_PARAMETER(Device);
    return Complete(Irp, status, NT_SUCCESS(status) ? bytes : 0);
}

/* PASSIVE_LEVEL. */
static NTSTATUS NTAPI Control(PDEVICE_OBJECT Device, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    PVOID buffer = Irp->AssociatedIrp.SystemBuffer, second;
    ULONG in = stack->Parameters.DeviceIoControl.InputBufferLength;
    ULONG out = stack->Parameters.DeviceIoControl.OutputBufferLength;
    ULONG_PTR written = 0;
    NTSTATUS status;

    UNREFERENCED_PARAMETER(Device);
    switch (stack->Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_MAILBOX_POST: status = Give(buffer, in, NULL, 0); break;
    case IOCTL_MAILBOX_TAKE: return Take(Irp);
    case IOCTL_MAILBOX_SEND:
        status = Second(Irp, &second, &out);
        if (NT_SUCCESS(status)) {
            status = Give(buffer, in, second, out);
        }
        break;
    case IOCTL_MAILBOX_PEEK:
        status = Second(Irp, &second, &out);
        if (NT_SUCCESS(status)) {
            status = Peek(second, out, &written);
        }
        break;
    case IOCTL_MAILBOX_COUNT: status = TellCount(buffer, out, &written); break;
    case IOCTL_MAILBOX_EMPTY: status = Empty(); break;
    case IOCTL_MAILBOX_HOLD: return Hold(Irp);
    case IOCTL_MAILBOX_LET_GO: status = LetGo(); break;
    default: status = STATUS_INVALID_DEVICE_REQUEST; break;
    }
    return Complete(Irp, status, written);
}

/* The last handle of a file is closed: what waits on it goes. PASSIVE_LEVEL. */
static NTSTATUS NTAPI Cleanup(PDEVICE_OBJECT Device, PIRP Irp)
{
    PFILE_OBJECT file = IoGetCurrentIrpStackLocation(Irp)->FileObject;
    PIRP waiting;
    KIRQL irql;

    UNREFERENCED_PARAMETER(Device);
    do {
        KeAcquireSpinLock(&Lock, &irql);
        waiting = file != NULL ? NextWaiting(file) : NULL;
        KeReleaseSpinLock(&Lock, irql);
        if (waiting != NULL) {
            Complete(waiting, STATUS_CANCELLED, 0);
        }
    } while (waiting != NULL);
    return Complete(Irp, STATUS_SUCCESS, 0);
}

/* PASSIVE_LEVEL. No handle is open any more, and so nothing waits. */
static VOID NTAPI Unload(PDRIVER_OBJECT Driver)
{
    UNICODE_STRING link = RTL_CONSTANT_STRING(LINK_NAME);

    IoDeleteSymbolicLink(&link);
    IoDeleteDevice(Driver->DeviceObject);
}

/* PASSIVE_LEVEL. */
NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(DEVICE_NAME), link = RTL_CONSTANT_STRING(LINK_NAME);
    PDEVICE_OBJECT device;
    NTSTATUS status;

    UNREFERENCED_PARAMETER(RegistryPath);
    KeInitializeSpinLock(&Lock);
    InitializeListHead(&Waiting);
    Driver->DriverUnload = Unload;
    Driver->MajorFunction[IRP_MJ_CREATE] = OpenOrClose;
    Driver->MajorFunction[IRP_MJ_CLOSE] = OpenOrClose;
    Driver->MajorFunction[IRP_MJ_CLEANUP] = Cleanup;
    Driver->MajorFunction[IRP_MJ_READ] = Read;
    Driver->MajorFunction[IRP_MJ_WRITE] = Write;
    Driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;

    status = IoCreateDevice(Driver, 0, &name, MAILBOX_TYPE, FILE_DEVICE_SECURE_OPEN, FALSE, &device);
    if (!NT_SUCCESS(status)) {
        return status;
    }
    device->Flags |= DO_BUFFERED_IO; /* of reads and writes */
    status = IoCreateSymbolicLink(&link, &name);
    if (!NT_SUCCESS(status)) {
        IoDeleteDevice(device);
    }
    return status;
}
