/*
 * pending.h - one operation on a named socket or a client, with the IRP that carries it.
 *
 * Unlike the echo server's calls (socket.h), these are made to find out what a provider does: call
 * and IRP are told apart, no wait is without a limit, and an IRP that never completes is survived.
 * As long as the provider may have the IRP, everything that it was given stays where it is.
 */
#pragma once

#include "stepcall.h"

/* PENDING.Owner: the index of a named socket, or this and the index of a client. */
#define OWNER_CLIENT 0x10000u

/* Large enough for every family's socket address. */
typedef union ADDRESS {
    SOCKADDR Any;
    SOCKADDR_IN V4;
    UINT8 Bytes[128];
} ADDRESS;

typedef struct PENDING {
    LIST_ENTRY Link; /* this and the two below: under the list's lock */
    BOOLEAN Claimed; /* a step is at it, and will free it or leave it */
    BOOLEAN Aside;   /* the provider refused the call and never completed the IRP: kept until Unload */
    volatile LONG Cancellers;
    UINT32 Op; /* WSKT_OP_* */
    UINT32 Owner;
    UINT32 Target; /* the named socket that becomes open, or free, with the completion; or NO_SOCKET */
    PIRP Irp;      /* NULL where the call is made without one */
    UINT32 Inflight;
    KEVENT Done;               /* set when the IRP has completed */
    volatile LONG Completions; /* 2: the IRP has completed more often than once */
    NTSTATUS Returned;
    NTSTATUS Status;
    ULONG_PTR Information;
    SIZE_T OutputSize; /* for OutputSizeReturned, which is a SIZE_T */
    ADDRESS Address;
    ADDRESS Remote;
    WSK_EVENT_CALLBACK_CONTROL Callbacks; /* a control's input, which has to stay until the IRP completes */
    WSK_BUF Buffer;                       /* of Data; Mdl is NULL until asked for */
    UINT8 Data[WSKT_SOCKET_BYTES];
    UINT8 Pattern;
} PENDING;

_IRQL_requires_max_(PASSIVE_LEVEL) VOID PendingInitialize(VOID);

/* A claimed operation that is ready for its call; NULL if there is no memory. */
_IRQL_requires_max_(PASSIVE_LEVEL) _Must_inspect_result_ PENDING *PendingCreate(UINT32 Op, UINT32 Owner,
                                                                                UINT32 Target,
                                                                                BOOLEAN WithIrp);

/*
 * Describes Bytes of Data from Offset on as Buffer, and has UNWRITTEN in all of it.
 * STATUS_INSUFFICIENT_RESOURCES if there is no MDL.
 */
_IRQL_requires_max_(DISPATCH_LEVEL) _Must_inspect_result_ NTSTATUS
    PendingBuffer(PENDING *Pending, ULONG Offset, ULONG Bytes);

/* For an operation whose call was not made. */
_IRQL_requires_max_(PASSIVE_LEVEL) VOID PendingDestroy(PENDING *Pending);

/*
 * After the call: waits up to Ms for the IRP, reports both, and frees the operation or leaves it to a
 * later PendingAwait. SetAside says that a refused call need not complete its IRP.
 */
_IRQL_requires_max_(PASSIVE_LEVEL) VOID
    PendingSettle(PENDING *Pending, NTSTATUS Returned, UINT32 Ms, BOOLEAN SetAside, WSKT_RESULT *Result);

/* Operations whose IRP has not completed; those set aside don't count. */
_IRQL_requires_max_(DISPATCH_LEVEL) UINT32 PendingCount(VOID);

/* Takes and frees what has completed and was left. */
_IRQL_requires_max_(PASSIVE_LEVEL) VOID PendingReap(VOID);

/* Cancels what was left and has not completed; sets aside what the provider has refused. */
_IRQL_requires_max_(PASSIVE_LEVEL) VOID PendingTidy(VOID);

/* In Unload: frees what was set aside. Waits without a limit for what the provider has. */
_IRQL_requires_max_(PASSIVE_LEVEL) VOID PendingEnd(VOID);
