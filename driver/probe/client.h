/*
 * client.h - named WSK clients: the registrations and captures that suites play with.
 *
 * A client is static storage and never freed, so that calling WSK after a deregistration, which the
 * documentation defines, touches memory that is there. A call that the client's state forbids is refused,
 * unless the step says to make it nevertheless, as misuse.
 */
#pragma once

#include "stepcall.h"

typedef enum CLIENT_STATE {
    CLIENT_UNUSED,
    CLIENT_REGISTERING, /* WskRegister has not returned */
    CLIENT_REGISTERED,
    CLIENT_DEREGISTERING, /* WskDeregister has not returned */
    CLIENT_DEREGISTERED,
    CLIENT_DRAINING, /* the same, and to be registered again as soon as no call is under way */
} CLIENT_STATE;

/* What WskRegister is given, and what has to stay where it is until the deregistration. */
typedef struct REGISTRATION {
    WSK_REGISTRATION Block;
    WSK_CLIENT_DISPATCH Dispatch;
    WSK_CLIENT_NPI Npi;
    WSK_CLIENT_DISPATCH Given; /* what Dispatch was when WSK got it, to which it is const */
} REGISTRATION;

/* What the last capture gave, read while it was held: Dispatch must not be followed after release. */
typedef struct CAPTURED {
    PVOID Client;
    const VOID *Dispatch;
    BOOLEAN Any;
    BOOLEAN SameClient;
    BOOLEAN SameDispatch;
    UINT16 Version;
    UINT16 Reserved;
    UINT32 Slots;
} CAPTURED;

typedef struct CLIENT {
    KSPIN_LOCK Lock; /* for all below, but not held while WSK is called */
    CLIENT_STATE State;
    REGISTRATION Static;
    REGISTRATION *Registration; /* Static, or in pool; NULL when the latter is freed */
    LONG Calls;                 /* in WSK right now, with Registration */
    LONG Registrations;         /* WskRegister that succeeded, less WskDeregister that returned */
    LONG Captures;              /* WskCaptureProviderNPI that succeeded, less WskReleaseProviderNPI */
    LONG Releasing;             /* of those, the ones that a release has claimed */
    LONG NpiCalls;              /* through the captured NPI, that have not returned */
    CAPTURED Captured;
    volatile LONG Events;
} CLIENT;

_IRQL_requires_max_(PASSIVE_LEVEL) VOID ClientsInitialize(VOID);

_IRQL_requires_max_(HIGH_LEVEL) CLIENT *ClientAt(UINT32 Index);

/* Calls of WskClientEvent that may have been meant for the client. */
_IRQL_requires_max_(HIGH_LEVEL) UINT64 ClientEvents(const CLIENT *Client);

/* The end of a WSK call that was counted in Calls: frees a registration in pool once nothing can touch it. */
_Releases_lock_(Client->Lock) _IRQL_requires_(DISPATCH_LEVEL) VOID
    ClientEndCall(CLIENT *Client, _IRQL_restores_ KIRQL Irql);

/* WSKT_OP_REGISTER and WSKT_OP_DEREGISTER; the check for operations that take a client and nothing else. */
OPERATION_CHECK ClientCheck;

/* Status, origin and values go to Result, whose values start zeroed. */
_IRQL_requires_max_(PASSIVE_LEVEL) VOID ClientDeregister(UINT32 Index, BOOLEAN Misuse, WSKT_RESULT *Result);

/* Registrations and captures of all clients that are not undone yet. Takes no lock. */
_IRQL_requires_max_(HIGH_LEVEL) VOID ClientsCount(UINT32 *Registrations, UINT32 *Captures);

/* Whether it holds a capture, and whether a deregistration of it is still owed. Take no lock. */
_IRQL_requires_max_(HIGH_LEVEL) BOOLEAN ClientHolds(UINT32 Index);
_IRQL_requires_max_(HIGH_LEVEL) BOOLEAN ClientNeedsDeregister(UINT32 Index);

/* Makes every client that has nothing out as if it had never been used. */
_IRQL_requires_max_(DISPATCH_LEVEL) VOID ClientsForget(VOID);
