/*
 * callseams.h - where the model can be built broken, as in seams.h: the client's dispatch, its sockets and
 * the calls on them.
 */
#pragma once

#include "seams.h"

/* WskGetLocalAddress or WskGetRemoteAddress of a socket, by Winsock's rules. */
typedef INT(NTAPI *TELL_ADDRESS)(NATIVE Socket, SOCKADDR *Address, INT *Bytes);

/* The dispatch has the provider's version, and all functions of Windows 7. */
_IRQL_requires_max_(DISPATCH_LEVEL) static inline VOID SeamDispatch(WSK_PROVIDER_DISPATCH *Dispatch)
{
    if (DEFECT(VERSION_REPORTED)) {
        Dispatch->Version = MAKE_WSK_VERSION(1, 0);
    } else if (DEFECT(MAJOR_REPORTED)) {
        Dispatch->Version = MAKE_WSK_VERSION(2, 0);
    } else if (DEFECT(CONNECT_MISSING)) {
        Dispatch->WskSocketConnect = NULL;
    } else if (DEFECT(SLOTS_MISSING)) {
        Dispatch->WskGetAddressInfo = NULL;
        Dispatch->WskFreeAddressInfo = NULL;
        Dispatch->WskGetNameInfo = NULL;
    }
}

/* The list has every transport. */
_IRQL_requires_max_(DISPATCH_LEVEL) static inline SIZE_T SeamTransports(SIZE_T Documented)
{
    return DEFECT(LIST_SHORT) ? Documented / 2 : Documented;
}

/* The events that a client names are enabled for its sockets. */
_IRQL_requires_(DISPATCH_LEVEL) _Requires_lock_held_(Model.Lock) static inline ULONG
    SeamStaticEvents(ULONG Documented)
{
    return DEFECT(STATIC_IGNORED) ? 0 : Documented;
}

/* WskSocket without an IRP is refused. */
_IRQL_requires_max_(DISPATCH_LEVEL) static inline NTSTATUS SeamNoIrp(NTSTATUS Documented)
{
    return DEFECT(NULL_IRP_TAKEN) ? STATUS_SUCCESS : Documented;
}

/* There are basic sockets. */
_IRQL_requires_max_(DISPATCH_LEVEL) static inline const VOID *SeamBasic(const VOID *Documented)
{
    return DEFECT(BASIC_MISSING) ? NULL : Documented;
}

/* The IRP of WskSocket is completed, and that was all. */
_IRQL_requires_max_(DISPATCH_LEVEL) static inline VOID SeamCreated(PIRP Irp, ULONG Kind)
{
    if (DEFECT(IRP_TWICE) && Kind == WSK_FLAG_CONNECTION_SOCKET) {
        IoCompleteRequest(Irp, IO_NETWORK_INCREMENT);
    }
}

/* WskCloseSocket cancels what is pending. */
_IRQL_requires_(DISPATCH_LEVEL) _Requires_lock_held_(Model.Lock) static inline BOOLEAN
    SeamCloseCancels(BOOLEAN Documented)
{
    return Documented && !DEFECT(CLOSE_WAITS);
}

/* WskBind does not bind a listening socket of a datagram protocol. */
_IRQL_requires_max_(DISPATCH_LEVEL) static inline NTSTATUS SeamBindDatagram(NTSTATUS Documented)
{
    return DEFECT(BINDS_DATAGRAM) ? STATUS_SUCCESS : Documented;
}

_IRQL_requires_max_(DISPATCH_LEVEL) static inline INT NTAPI
    TellNothing(NATIVE Socket, SOCKADDR *Address, INT *Bytes)
{
    UNREFERENCED_PARAMETER(Socket);
    UNREFERENCED_PARAMETER(Address);
    UNREFERENCED_PARAMETER(Bytes);
    return 0;
}

_IRQL_requires_max_(DISPATCH_LEVEL) static inline INT NTAPI
    TellOther(NATIVE Socket, SOCKADDR *Address, INT *Bytes)
{
    INT failed = Winsock()->LocalAddress(Socket, Address, Bytes);

    if (failed == 0) {
        ((PSOCKADDR_IN)Address)->sin_port ^= 0x0100; /* of the number, the last bit */
    }
    return failed;
}

/* WskGetLocalAddress tells what a socket is bound to. NULL for one that is not bound: then it has no address.
 */
_IRQL_requires_max_(DISPATCH_LEVEL) static inline TELL_ADDRESS SeamLocal(TELL_ADDRESS Documented)
{
    if (DEFECT(ADDRESS_EMPTY) || (DEFECT(ADDRESS_UNBOUND) && Documented == NULL)) {
        return TellNothing;
    }
    return DEFECT(ADDRESS_OTHER) && Documented != NULL ? TellOther : Documented;
}

/* It completes the IRP with what it returns. */
_IRQL_requires_max_(DISPATCH_LEVEL) static inline NTSTATUS SeamLocalTold(PIRP Irp, NTSTATUS Status)
{
    if (DEFECT(STATUS_UNWRITTEN) && Irp != NULL && Status == STATUS_SUCCESS) {
        IoSetNextIrpStackLocation(Irp);
        IoCompleteRequest(Irp, IO_NETWORK_INCREMENT);
        return Status;
    }
    return IrpComplete(Irp, Status, 0);
}

/* WskGetRemoteAddress tells what it is connected to; NULL likewise. */
_IRQL_requires_max_(DISPATCH_LEVEL) static inline TELL_ADDRESS SeamRemote(TELL_ADDRESS Documented)
{
    if (DEFECT(REMOTE_EMPTY)) {
        return TellNothing;
    }
    return DEFECT(REMOTE_LOCAL) && Documented != NULL ? Winsock()->LocalAddress : Documented;
}

/* WskAccept needs a socket that is bound, no NPI, and no address to fill in. */
_IRQL_requires_max_(DISPATCH_LEVEL) static inline NTSTATUS
    SeamAccept(NTSTATUS Documented, const CLIENT *Client, const SOCKADDR *Local, const SOCKADDR *Remote)
{
    if (DEFECT(ADDRESSES_NEEDED) && (Local == NULL || Remote == NULL)) {
        return STATUS_INVALID_PARAMETER;
    }
    return DEFECT(SOCKET_NEEDS_NPI) && Client->Captures == 0 ? STATUS_INVALID_DEVICE_STATE : Documented;
}

/* WskAcceptEvent is called where it is enabled. */
_IRQL_requires_(DISPATCH_LEVEL) _Requires_lock_held_(Model.Lock) static inline BOOLEAN
    SeamIndicates(BOOLEAN Documented)
{
    return Documented && !DEFECT(EVENT_LOST);
}

/* What it rejects is closed. */
_IRQL_requires_max_(DISPATCH_LEVEL) static inline BOOLEAN SeamRejects(BOOLEAN Documented)
{
    return Documented && !DEFECT(REJECTED_KEPT);
}

/* Who disables it while it runs is told so. */
_IRQL_requires_max_(DISPATCH_LEVEL) static inline NTSTATUS SeamDisable(NTSTATUS Documented)
{
    return DEFECT(EVENT_NOT_PENDING) ? STATUS_SUCCESS : Documented;
}

/* IoCancelIrp ends what is pending on a socket. */
_IRQL_requires_max_(DISPATCH_LEVEL) static inline BOOLEAN SeamCancelable(BOOLEAN Documented)
{
    return Documented && !DEFECT(NOT_CANCELABLE);
}

/* What a close cancels says so. */
_IRQL_requires_max_(DISPATCH_LEVEL) static inline NTSTATUS SeamCancelled(NTSTATUS Documented)
{
    return DEFECT(CANCEL_STATUS) ? STATUS_FILE_FORCED_CLOSED : Documented;
}

/* The Information of a transfer is the number of its bytes. */
_IRQL_requires_max_(DISPATCH_LEVEL) static inline ULONG_PTR SeamInformation(ULONG_PTR Documented)
{
    return DEFECT(WRONG_INFORMATION) ? 0 : Documented;
}

/* A WSK_BUF begins at its offset. */
_IRQL_requires_max_(DISPATCH_LEVEL) static inline ULONG SeamOffset(ULONG Documented)
{
    return DEFECT(OFFSET_IGNORED) ? 0 : Documented;
}

/* And ends where it says. Whole is room for another. */
_IRQL_requires_max_(DISPATCH_LEVEL) static inline PWSK_BUF SeamBuffer(PWSK_BUF Documented, WSK_BUF *Whole)
{
    if (!DEFECT(LENGTH_IGNORED) || Documented == NULL) {
        return Documented;
    }
    *Whole = *Documented;
    Whole->Length = MmGetMdlByteCount(Whole->Mdl) - Whole->Offset;
    return Whole;
}

/* WskConnect needs a socket that is bound. */
_IRQL_requires_max_(DISPATCH_LEVEL) static inline BOOLEAN SeamConnects(BOOLEAN Documented)
{
    return Documented || DEFECT(CONNECTS_UNBOUND);
}

/* WskDisconnect disconnects, and completes its IRP. */
_IRQL_requires_max_(DISPATCH_LEVEL) static inline BOOLEAN SeamDisconnects(BOOLEAN Documented)
{
    return Documented && !DEFECT(IRP_KEPT);
}
