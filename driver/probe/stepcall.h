/*
 * stepcall.h - a step as it is run, for the files that have operations.
 *
 * An operation is a number in wskabi.h, a row with a routine and a check in one of these files, and its line
 * in operation.c.
 */
#pragma once

#include "clock.h"
#include "kernel.h"
#include "wskabi.h"
#include "wskddk.h"

/* A step as one thread of a batch runs it. */
typedef struct STEP_CALL {
    WSKT_STEP Step;
    UINT32 Shift;       /* added to every client index */
    UINT32 SocketShift; /* added to every socket index */
    UINT64 Deadline;    /* on ClockNs: when the batch's time is up */

    /* Where it is, for those who ask what is in flight: as WSKT_INFLIGHT has it. */
    UINT32 Case;
    UINT32 Index; /* of the step in the case */
    UINT32 Runner;
    UINT32 Iteration;
    UINT32 Named;
} STEP_CALL;

/* Does what a step says that was checked, and fills in Result, which begins as a success with zeroed values.
 */
_IRQL_requires_max_(DISPATCH_LEVEL) typedef VOID
    OPERATION_ROUTINE(const STEP_CALL *Call, WSKT_RESULT *Result);
_IRQL_requires_max_(PASSIVE_LEVEL) typedef VOID PASSIVE_ROUTINE(const STEP_CALL *Call, WSKT_RESULT *Result);

/* STATUS_SUCCESS if the step's arguments are sound, for where it is to run. */
_IRQL_requires_max_(PASSIVE_LEVEL) typedef NTSTATUS OPERATION_CHECK(const STEP_CALL *Call);

/* Where an operation may run. */
typedef enum LEVEL {
    LEVEL_PASSIVE,
    LEVEL_WSK_PASSIVE, /* a WSK call for PASSIVE_LEVEL only: at DISPATCH_LEVEL it is misuse */
    LEVEL_DISPATCH,    /* at DISPATCH_LEVEL as well */
} LEVEL;

/* The row of an operation. */
typedef struct OPERATION {
    OPERATION_ROUTINE *Run;
    OPERATION_CHECK *Check; /* NULL: it takes nothing */
    LEVEL Level;
} OPERATION;

/*
 * The bytes of what WSK is to write, before the call. A client's variables have anything in them then: a
 * provider that reads them, or leaves them as they are, must not find what it should have written.
 */
#define UNWRITTEN 0xAA

/* Marks a result as an answer of the driver, not of WSK. */
static inline VOID Refuse(WSKT_RESULT *Result, NTSTATUS Status)
{
    Result->Origin = WSKT_ORIGIN_REFUSED;
    Result->Status = (UINT32)Status;
}

static inline BOOLEAN Misuse(const STEP_CALL *Call) { return (Call->Step.Flags & WSKT_STEP_MISUSE) != 0; }

static inline BOOLEAN AtDispatchLevel(const STEP_CALL *Call)
{
    return Call->Step.Context == WSKT_CONTEXT_SPIN || Call->Step.Context == WSKT_CONTEXT_DPC;
}

static inline NTSTATUS Sound(BOOLEAN Good) { return Good ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER; }

/* A wait of so many milliseconds, but not beyond the batch's time. */
static inline UINT32 WithinBatch(const STEP_CALL *Call, UINT64 Ms)
{
    UINT32 left = DeadlineLeft(Call->Deadline);

    return Ms < left ? (UINT32)Ms : left;
}

/* The client and the named socket that an argument means. */
static inline UINT32 ClientArg(const STEP_CALL *Call, UINT32 Arg)
{
    return (UINT32)Call->Step.Arg[Arg] + Call->Shift;
}

static inline UINT32 SocketArg(const STEP_CALL *Call, UINT32 Arg)
{
    return (UINT32)Call->Step.Arg[Arg] + Call->SocketShift;
}

static inline BOOLEAN IsClient(const STEP_CALL *Call, UINT64 Index)
{
    return Index < WSKT_MAX_CLIENTS && Index + Call->Shift < WSKT_MAX_CLIENTS;
}

static inline BOOLEAN IsSocket(const STEP_CALL *Call, UINT64 Index)
{
    return Index < WSKT_MAX_SOCKETS && Index + Call->SocketShift < WSKT_MAX_SOCKETS;
}

/* Of a step about sockets: its options, and how long it is to wait. */
static inline BOOLEAN SocketBounds(const STEP_CALL *Call)
{
    return Call->Step.Arg[4] <= WSKT_SOCKET_OPTIONS && Call->Step.Arg[5] <= WSKT_MAX_WAIT_MS;
}

/* How long to wait for the IRP of a call. */
static inline UINT32 SocketWait(const STEP_CALL *Call)
{
    BOOLEAN leave = (Call->Step.Arg[4] & WSKT_SOCKET_PENDING) != 0;

    return leave ? 0 : WithinBatch(Call, Call->Step.Arg[5]);
}

/* Arg[0] is milliseconds. */
static inline NTSTATUS MsCheck(const STEP_CALL *Call) { return Sound(Call->Step.Arg[0] <= WSKT_MAX_WAIT_MS); }
