/*
 * socket.h - one asynchronous socket call at a time, with an IRP of the driver's own.
 *
 * The discipline in one place: an IRP with one stack location; a completion routine for success,
 * error and cancellation that keeps the IRP; IoReuseIrp before every use; the result taken from the
 * IRP and not from the call, which may return before or after the completion; and a provider that
 * returns an error without completing the IRP is not waited for.
 */
#pragma once

#include "kernel.h"
#include "wskddk.h"

typedef struct SOCKET_CALL {
    PIRP Irp;
    PKEVENT Wake;        /* set when a call completes; outlives the call */
    volatile LONG State; /* CALL_STATE, in socket.c */
    NTSTATUS Status;
    ULONG_PTR Information;
} SOCKET_CALL;

/* STATUS_INSUFFICIENT_RESOURCES if there is no memory for an IRP. */
_IRQL_requires_max_(DISPATCH_LEVEL) _Must_inspect_result_ NTSTATUS
    CallCreate(SOCKET_CALL *Call, PKEVENT Wake);

/* No call may be pending. Does nothing to one that was never created. */
_IRQL_requires_max_(DISPATCH_LEVEL) VOID CallDestroy(SOCKET_CALL *Call);

/* Makes the IRP ready and returns it; the WSK function is to be called with it next, and then Begun. */
_IRQL_requires_max_(DISPATCH_LEVEL) PIRP CallPrepare(SOCKET_CALL *Call);
_IRQL_requires_max_(DISPATCH_LEVEL) VOID CallBegun(SOCKET_CALL *Call, NTSTATUS Returned);

/* Whether the provider has the IRP. */
_IRQL_requires_max_(DISPATCH_LEVEL) BOOLEAN CallPending(const SOCKET_CALL *Call);

/* TRUE once for every call that has completed; Status and Information are then valid. */
_IRQL_requires_max_(DISPATCH_LEVEL) _Must_inspect_result_ BOOLEAN CallTake(SOCKET_CALL *Call);

/* Waits for the call and takes it; gives its status. */
_IRQL_requires_max_(PASSIVE_LEVEL) NTSTATUS CallWait(SOCKET_CALL *Call);

/* Sockets of the sample that are open: made or accepted (+1), and not closed (-1). */
_IRQL_requires_max_(DISPATCH_LEVEL) VOID SocketsCount(LONG Change);
_IRQL_requires_max_(HIGH_LEVEL) UINT32 SocketsOpen(VOID);
