/*
 * client_state.h - what a named client is, for the files that make its WSK calls.
 */
#pragma once

#include "client.h"

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

CLIENT *ClientAt(UINT32 Index);

/* Calls of WskClientEvent that may have been meant for the client. Any IRQL. */
UINT64 ClientEvents(const CLIENT *Client);

/*
 * The end of a WSK call that was counted in Calls: frees a registration in pool once nothing can
 * touch it. Lock held on entry, not on return. IRQL <= DISPATCH_LEVEL.
 */
VOID ClientEndCall(CLIENT *Client, KIRQL Irql);
