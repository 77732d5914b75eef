/*
 * socket.h - one asynchronous socket call at a time, with an IRP of the driver's own.
 *
 * The discipline in one place: an IRP with one stack location; a completion routine for success,
 * error and cancellation that keeps the IRP; IoReuseIrp before every use; the result taken from the
 * IRP and not from the call, which may return before or after the completion; and a provider that
 * returns an error without completing the IRP is not waited for.
 */
#pragma once

#include "sample.h"

typedef struct SOCKET_CALL {
    PIRP Irp;
    PKEVENT Wake;        /* set when a call completes; outlives the call */
    volatile LONG State; /* CALL_STATE, in socket.c */
    NTSTATUS Status;
    ULONG_PTR Information;
} SOCKET_CALL;

/* STATUS_INSUFFICIENT_RESOURCES if there is no memory for an IRP. IRQL <= DISPATCH_LEVEL. */
NTSTATUS CallCreate(SOCKET_CALL *Call, PKEVENT Wake);

/* No call may be pending. Does nothing to one that was never created. IRQL <= DISPATCH_LEVEL. */
VOID CallDestroy(SOCKET_CALL *Call);

/* Makes the IRP ready and returns it; the WSK function is to be called with it next, and then Begun. */
PIRP CallPrepare(SOCKET_CALL *Call);
VOID CallBegun(SOCKET_CALL *Call, NTSTATUS Returned);

/* Whether the provider has the IRP. */
BOOLEAN CallPending(const SOCKET_CALL *Call);

/* TRUE once for every call that has completed; Status and Information are then valid. */
BOOLEAN CallTake(SOCKET_CALL *Call);

/* Waits for the call and takes it; gives its status. PASSIVE_LEVEL. */
NTSTATUS CallWait(SOCKET_CALL *Call);
