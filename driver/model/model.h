/*
 * model.h - netio.sys as it is documented: what the files of the model share.
 *
 * The model keeps the documented rules of WSK registration and capture to the letter. It is meant for
 * a Wine guest, whose loader calls no DriverEntry of a driver that another driver imports: so
 * nothing here needs to be initialized, or it is done by the first WskRegister.
 *
 * Locks. There is one, Model.Lock, for everything in this header that changes. It is never held while
 * code outside the model runs: no completion, no call of a socket's function, no wait.
 *
 * Lifetimes. A CLIENT is made by WskRegister and freed by its WskDeregister, which waits until the
 * client's References is 0. A reference is a capture, a waiter, a call through the provider dispatch that has
 * not returned, a client-control IRP, or a socket: whoever takes one under the lock may use the client
 * until he gives it back. The last to give back sets Idle, under the lock, so that the client is
 * still there when he does.
 */
#pragma once

#include <ntddk.h>

#if defined(_MSC_VER)
#define MODEL_EXPORT /* by a .def file */
#else
#define MODEL_EXPORT __declspec(dllexport)
#endif
#define WSK_LINKAGE MODEL_EXPORT

#include "wskddk.h"
#include "wskcontrol.h"

#define MODEL_TAG 0x4d6b7357u /* shown as WskM */
#define NEVER     (~0ull)     /* on ClockMs */

typedef struct CLIENT {
    LIST_ENTRY Link;      /* in Model.Clients */
    USHORT Version;       /* that the client asked for */
    BOOLEAN Deregistered; /* WskDeregister has been called: nothing new for this client */
    UINT32 Captures;
    UINT32 Sockets;
    ULONG StaticEvents; /* WSK_EVENT_* that its sockets start with */
    UINT32 References;  /* captures and sockets included */
    KEVENT Idle;        /* set when References falls to 0 */
    LIST_ENTRY Changes; /* WSK_TRANSPORT_LIST_CHANGE IRPs, by Tail.Overlay.ListEntry */
    WSK_PROVIDER_DISPATCH Dispatch;
    struct {
        const WSK_CLIENT_NPI *Npi; /* gone after WskRegister */
        BOOLEAN Refused;           /* a capture was, for its version */
    } Seam;                        /* for defects to look at */
} CLIENT;

typedef struct WAITER {
    LIST_ENTRY Link; /* in Model.Waiters */
    CLIENT *Client;
    KEVENT Wake; /* readiness has changed, or the client is being deregistered */
} WAITER;

typedef struct MODEL {
    KSPIN_LOCK Lock;
    LIST_ENTRY Clients;
    LIST_ENTRY Waiters;
    UINT64 ReadyAt; /* on ClockMs; 0: always, NEVER: never */
    USHORT Lowest;
    USHORT Highest;
    BOOLEAN NoSockets;  /* as if memory for them were short */
    LIST_ENTRY Sockets; /* that are not closed */
    WSK_TEST_COUNTERS Counters;
    volatile LONG StaleIrps; /* counted apart, since IRPs are taken with and without the lock */
    struct {
        const WSK_REGISTRATION *Left; /* the block that was deregistered last */
    } Seam;                           /* for defects to look at */
} MODEL;

extern MODEL Model;

/* control.c */

/* A monotonic clock in milliseconds. */
_IRQL_requires_max_(HIGH_LEVEL) UINT64 ClockMs(VOID);

/* Makes every waiter look again: those of one client, or all where it is NULL. */
_IRQL_requires_(DISPATCH_LEVEL) _Requires_lock_held_(Model.Lock) VOID WakeWaiters(const CLIENT *Client);

/* boot.c: what the registry says of the time before anybody controls the model; once. */
_IRQL_requires_max_(PASSIVE_LEVEL) VOID BootOpen(VOID);

MODEL_EXPORT WSK_TEST_CONTROL WskTestControl;

/* registration.c */

#define STATE_REGISTERED   0x52455345524b5357ull /* two numbers that no forgotten block has by chance */
#define STATE_DEREGISTERED 0x52454444524b5357ull

/* Zeroed nonpaged pool, which is the caller's, or NULL. */
_Must_inspect_result_ _IRQL_requires_max_(DISPATCH_LEVEL)
PVOID ModelAllocate(SIZE_T Bytes);

/* A call through the provider dispatch, which references the client; FALSE for a pointer that is no client's.
 */
_Must_inspect_result_ _IRQL_requires_max_(DISPATCH_LEVEL)
BOOLEAN ClientEnter(CLIENT *Client);
_IRQL_requires_max_(DISPATCH_LEVEL) VOID ClientLeave(CLIENT *Client);

/* The client of a block that is registered, or NULL. */
_IRQL_requires_(DISPATCH_LEVEL)
    _Requires_lock_held_(Model.Lock) CLIENT *ClientOf(const WSK_REGISTRATION *Registration);

_IRQL_requires_(DISPATCH_LEVEL) _Requires_lock_held_(Model.Lock) VOID ClientReference(CLIENT *Client);
_IRQL_requires_(DISPATCH_LEVEL) _Requires_lock_held_(Model.Lock) VOID ClientDereference(CLIENT *Client);

/* range.c: whether the version that a client asked for is served. */
_IRQL_requires_(DISPATCH_LEVEL) _Requires_lock_held_(Model.Lock) BOOLEAN RangeServes(CLIENT *Client);

/* dispatch.c: the provider dispatch that a client gets. */
_IRQL_requires_max_(DISPATCH_LEVEL) VOID DispatchFill(WSK_PROVIDER_DISPATCH *Dispatch, USHORT Version);

/* irp.c: a client's IRP, whose next stack location is the provider's. */

/* Takes it; it is completed later. STATUS_PENDING. */
_IRQL_requires_max_(DISPATCH_LEVEL) NTSTATUS IrpPend(PIRP Irp);

/* Completes an IRP that was taken. */
_IRQL_requires_max_(DISPATCH_LEVEL) _Requires_lock_not_held_(Model.Lock) VOID
    IrpFinish(PIRP Irp, NTSTATUS Status, ULONG_PTR Information);

/* Both at once; returns Status. Without an IRP it only does that. */
_IRQL_requires_max_(DISPATCH_LEVEL) _Requires_lock_not_held_(Model.Lock) NTSTATUS
    IrpComplete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information);

/* socket.c: WskSocket, for a client that is referenced. */
_IRQL_requires_max_(DISPATCH_LEVEL) NTSTATUS
    SocketCreate(CLIENT *Client, ADDRESS_FAMILY Family, USHORT Type, ULONG Protocol, ULONG Flags,
                 PVOID Context, const VOID *Dispatch, PIRP Irp);

#include "seams.h"
