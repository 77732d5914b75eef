/* server.h - the sample's WSK client as a whole: an echo server on the loopback address. */
#pragma once

#include "kernel.h"

typedef enum SERVER_PHASE {
    SERVER_INACTIVE,
    SERVER_STARTING, /* registered; the worker captures, and makes the listening socket */
    SERVER_LISTENING,
    SERVER_FAILED, /* it could not start, and left nothing behind */
    SERVER_STOPPING,
} SERVER_PHASE;

typedef struct SERVER_STATE {
    SERVER_PHASE Phase;
    NTSTATUS Status;    /* why it failed, or STATUS_SUCCESS */
    UINT16 Version;     /* of WSK that it is registered with; 0 while it is inactive */
    UINT16 Port;        /* host byte order; 0 while it does not listen */
    BOOLEAN Negotiated; /* it had to register anew, within the provider's range */
    BOOLEAN NpiHeld;
    UINT32 Accepted;
    UINT64 Bytes; /* echoed, or on their way back */
} SERVER_STATE;

_IRQL_requires_max_(PASSIVE_LEVEL) VOID ServerInitialize(VOID);

/*
 * Registers with WSK and starts the worker that does the rest; returns without waiting for it. FALSE where
 * the server is active already; else *Status says what came of it.
 */
_IRQL_requires_max_(PASSIVE_LEVEL) _Must_inspect_result_ BOOLEAN ServerActivate(NTSTATUS *Status);

/* Closes everything and deregisters; returns when that is done. FALSE where the server is not active. */
_IRQL_requires_max_(PASSIVE_LEVEL) BOOLEAN ServerDeactivate(VOID);

/* Waits up to Ms until it is neither starting nor stopping: STATUS_SUCCESS or STATUS_TIMEOUT. */
_IRQL_requires_max_(PASSIVE_LEVEL) NTSTATUS ServerSettle(UINT32 Ms);

_IRQL_requires_max_(DISPATCH_LEVEL) VOID ServerDescribe(SERVER_STATE *State);

/* In Unload, when it is not active any more: ends its thread. */
_IRQL_requires_max_(PASSIVE_LEVEL) VOID ServerEnd(VOID);
