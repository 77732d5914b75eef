/* socketuse.h - what every call on a named socket begins and ends with. */
#pragma once

#include "namedsocket.h"
#include "pending.h"

typedef struct SOCKET_USE {
    UINT32 Index;
    UINT32 Kind;
    UINT32 WaitMs;
    PWSK_SOCKET Socket;
    PENDING *Pending;
} SOCKET_USE;

/* Begins the call of a step on the socket of Arg[0], of that kind or ANY_KIND. FALSE: the step is refused. */
_IRQL_requires_max_(PASSIVE_LEVEL) _Must_inspect_result_ BOOLEAN
    SocketUseBegin(SOCKET_USE *Use, const STEP_CALL *Call, UINT32 Kind, WSKT_RESULT *Result);

/* The call has returned: its IRP is waited for as the step says. */
_IRQL_requires_max_(PASSIVE_LEVEL) VOID
    SocketUseEnd(const SOCKET_USE *Use, NTSTATUS Returned, WSKT_RESULT *Result);

/* The call was not made: the step is refused. */
_IRQL_requires_max_(PASSIVE_LEVEL) VOID
    SocketUseAbandon(const SOCKET_USE *Use, NTSTATUS Status, WSKT_RESULT *Result);

/* For operations that take a socket, and a number of 32 bits. */
OPERATION_CHECK SocketCheck;

/* For those that take two sockets. */
OPERATION_CHECK SocketPairCheck;

static inline BOOLEAN HasIrp(const STEP_CALL *Call)
{
    return (Call->Step.Arg[4] & WSKT_SOCKET_NULL_IRP) == 0;
}

/* Puts the loopback address of a family there. */
_IRQL_requires_max_(DISPATCH_LEVEL) VOID LoopbackAddress(ADDRESS *Address, UINT16 Family, UINT16 Port);

/* The loopback address of another named socket. FALSE if that was never bound. */
_IRQL_requires_max_(DISPATCH_LEVEL) _Must_inspect_result_ BOOLEAN AddressOf(UINT32 Index, ADDRESS *Address);
