/*
 * call.h - sockets, and the calls on them that end later.
 *
 * A SOCKET references its client from the moment that its creation begins until its close has completed, and
 * is freed when the last call on it has ended. A CALL is freed when neither the thread that started it,
 * the thread that completes it nor a canceller needs it any more.
 */
#pragma once

#include "model.h"
#include "winsock.h"

#define MAX_PIECES        8u
#define ADDRESS_SPACE     44u /* that an accept wants for each of two addresses: the largest, and 16 */
#define RECEIVE_WAIT_ALL  2u  /* WSK_FLAG_WAITALL */
#define NATIVE_WAIT_ALL   8u  /* MSG_WAITALL */
#define NATIVE_SOL_SOCKET 0xFFFF

typedef struct SOCKET {
    WSK_SOCKET Public; /* what the client has is a pointer to it */
    LIST_ENTRY Link;   /* in Model.Sockets */
    CLIENT *Client;
    ULONG Kind; /* WSK_FLAG_* */
    ADDRESS_FAMILY Family;
    USHORT Type;
    ULONG Protocol;
    NATIVE Native; /* NO_NATIVE: of a kind that can only be made and closed */
    BOOLEAN Bound;
    BOOLEAN Connected;

    /* Of a listening socket: its client's callbacks. */
    PVOID Context;
    const WSK_CLIENT_LISTEN_DISPATCH *Callbacks;

    /* All below: under Model.Lock. */
    ULONG Events;       /* WSK_EVENT_* that are enabled */
    BOOLEAN Armed;      /* an accept for the callback is on its way */
    BOOLEAN Indicating; /* the callback is running */
    PIRP Disable;       /* to be completed when it has returned */
    UINT32 Calls;       /* that have not ended */
    BOOLEAN Closing;
    PIRP Close; /* to be completed, with this status, when the last call has ended */
    NTSTATUS CloseStatus;
} SOCKET;

typedef enum CALL_KIND {
    CALL_PLAIN,   /* status and bytes are all */
    CALL_ACCEPT,  /* for WskAccept */
    CALL_EVENT,   /* for WskAcceptEvent; has no IRP */
    CALL_CONNECT, /* for WskConnect */
    CALL_CREATE,  /* for WskSocketConnect, which makes the socket as well */
    CALL_FINISH,  /* the last bytes before a disconnect */
} CALL_KIND;

typedef struct CALL {
    NATIVE_IO Io;
    CALL_KIND Kind;
    SOCKET *Socket;
    NATIVE Native; /* the socket's: it is needed by cancellers when the socket has gone */
    PIRP Irp;
    volatile LONG References;
    volatile BOOLEAN Cancelled;
    SOCKET *Accepted;
    PSOCKADDR Local; /* the client's, to be filled in by an accept; either may be NULL */
    PSOCKADDR Remote;
    INT AddressBytes;
    UINT8 Addresses[2 * ADDRESS_SPACE];
    ULONG Flags;
    ULONG PieceCount;
    PIECE Pieces[MAX_PIECES];
} CALL;

/* call.c */

/*
 * A call on a socket, with its IRP taken and cancelable; NULL, with the IRP completed and the status in
 * Status, if there can't be one.
 */
_IRQL_requires_max_(DISPATCH_LEVEL)
    _Requires_lock_not_held_(Model.Lock) CALL *CallStart(SOCKET *Socket, CALL_KIND Kind, PIRP Irp,
                                                         NTSTATUS *Status);

/* The bytes that a WSK_BUF describes. */
_IRQL_requires_max_(DISPATCH_LEVEL) NTSTATUS CallBuffer(CALL *Call, const WSK_BUF *Buffer);

/* After the function was called: how it said that it went. STATUS_PENDING, as WSK will say. */
_IRQL_requires_max_(DISPATCH_LEVEL) _Requires_lock_not_held_(Model.Lock) NTSTATUS
    CallStarted(CALL *Call, NTSTATUS Status);

/* It has ended; the thread of winsock.c says so, once for each that was started. */
_IRQL_requires_max_(DISPATCH_LEVEL) _Requires_lock_not_held_(Model.Lock) VOID
    CallCompleted(CALL *Call, NTSTATUS Status, ULONG_PTR Bytes);

/* socket.c */

extern const WSK_PROVIDER_CONNECTION_DISPATCH ConnectionTable;

/* A socket that references its client, or NULL. */
_IRQL_requires_max_(DISPATCH_LEVEL)
    _Requires_lock_not_held_(Model.Lock) SOCKET *SocketMake(CLIENT *Client, ULONG Kind, const VOID *Table);

/* Frees one on which there is no call, and completes the IRP that belongs to its end, if any. */
_IRQL_requires_max_(DISPATCH_LEVEL) _Requires_lock_not_held_(Model.Lock) VOID
    SocketEnd(SOCKET *Socket, PIRP Irp, NTSTATUS Status);

/* A call has ended; the last one ends a socket that is closing. */
_IRQL_requires_max_(DISPATCH_LEVEL) _Requires_lock_not_held_(Model.Lock) VOID SocketLeave(SOCKET *Socket);

/* WskSocketConnect, for a client that is referenced. */
_IRQL_requires_max_(DISPATCH_LEVEL) _Requires_lock_not_held_(Model.Lock) NTSTATUS
    SocketCreateConnected(CLIENT *Client, USHORT Type, ULONG Protocol, PSOCKADDR Local, PSOCKADDR Remote,
                          PIRP Irp);

_IRQL_requires_max_(HIGH_LEVEL) static inline SOCKET *SocketOf(PWSK_SOCKET Public)
{
    return CONTAINING_RECORD(Public, SOCKET, Public);
}

/* accept.c */

/* Accepts for the callback, if that is enabled and the socket listens. */
_IRQL_requires_max_(DISPATCH_LEVEL) _Requires_lock_not_held_(Model.Lock) VOID AcceptArm(SOCKET *Socket);

/* The two kinds of accept have ended. */
_IRQL_requires_max_(DISPATCH_LEVEL) _Requires_lock_not_held_(Model.Lock) VOID
    AcceptCompleted(CALL *Call, NTSTATUS Status);
_IRQL_requires_max_(DISPATCH_LEVEL) _Requires_lock_not_held_(Model.Lock) VOID
    AcceptIndicate(CALL *Call, NTSTATUS Status);

_IRQL_requires_max_(DISPATCH_LEVEL) NTSTATUS WSKAPI
    AcceptNext(PWSK_SOCKET Public, ULONG Flags, PVOID AcceptedContext,
               const WSK_CLIENT_CONNECTION_DISPATCH *AcceptedDispatch, PSOCKADDR Local, PSOCKADDR Remote,
               PIRP Irp);

_IRQL_requires_max_(DISPATCH_LEVEL) NTSTATUS WSKAPI
    ControlSocket(PWSK_SOCKET Public, WSK_CONTROL_SOCKET_TYPE RequestType, ULONG ControlCode, ULONG Level,
                  SIZE_T InputSize, PVOID InputBuffer, SIZE_T OutputSize, PVOID OutputBuffer,
                  SIZE_T *OutputSizeReturned, PIRP Irp);

/* transfer.c: what the tables name. */
_IRQL_requires_max_(DISPATCH_LEVEL) NTSTATUS WSKAPI
    Connect(PWSK_SOCKET Public, PSOCKADDR Address, ULONG Flags, PIRP Irp);
_IRQL_requires_max_(DISPATCH_LEVEL) NTSTATUS WSKAPI
    Send(PWSK_SOCKET Public, PWSK_BUF Buffer, ULONG Flags, PIRP Irp);
_IRQL_requires_max_(DISPATCH_LEVEL) NTSTATUS WSKAPI
    Receive(PWSK_SOCKET Public, PWSK_BUF Buffer, ULONG Flags, PIRP Irp);
_IRQL_requires_max_(DISPATCH_LEVEL) NTSTATUS WSKAPI
    Disconnect(PWSK_SOCKET Public, PWSK_BUF Buffer, ULONG Flags, PIRP Irp);
_IRQL_requires_max_(DISPATCH_LEVEL) NTSTATUS WSKAPI
    SendTo(PWSK_SOCKET Public, PWSK_BUF Buffer, ULONG Flags, PSOCKADDR Remote, ULONG ControlLength,
           PVOID Control, PIRP Irp);
_IRQL_requires_max_(DISPATCH_LEVEL) NTSTATUS WSKAPI
    ReceiveFrom(PWSK_SOCKET Public, PWSK_BUF Buffer, ULONG Flags, PSOCKADDR Remote, PULONG ControlLength,
                PVOID Control, PULONG ControlFlags, PIRP Irp);

/* Starts to connect a bound socket. */
_IRQL_requires_max_(DISPATCH_LEVEL) _Requires_lock_not_held_(Model.Lock) NTSTATUS
    ConnectStart(SOCKET *Socket, CALL_KIND Kind, const SOCKADDR *Remote, PIRP Irp);
_IRQL_requires_max_(DISPATCH_LEVEL) _Requires_lock_not_held_(Model.Lock) VOID
    ConnectCompleted(CALL *Call, NTSTATUS Status);
/* The last bytes are sent: says that no more will come. */
_IRQL_requires_max_(DISPATCH_LEVEL) NTSTATUS DisconnectNow(SOCKET *Socket);

#include "callseams.h"
