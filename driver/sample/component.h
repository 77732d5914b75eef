/*
 * component.h - the sample's own WSK client: an echo server on the loopback address.
 */
#pragma once

#include "sample.h"

typedef enum COMPONENT_ORIGIN {
    COMPONENT_AT_START,  /* by DriverEntry: part of the loaded driver's normal state */
    COMPONENT_ON_DEMAND, /* by a step: something that a case has to undo */
} COMPONENT_ORIGIN;

/* Once, in DriverEntry. */
VOID ComponentInitialize(VOID);

/*
 * Registers with WSK and starts the worker that does the rest; returns without waiting for it.
 * Result gets WskRegister's status and the state. PASSIVE_LEVEL.
 */
VOID ComponentActivate(COMPONENT_ORIGIN Origin, WSKT_RESULT *Result);

/* Closes everything and deregisters; returns when that is done. PASSIVE_LEVEL. */
VOID ComponentDeactivate(WSKT_RESULT *Result);

/* Waits up to Ms for the component to settle, and tells how it is. PASSIVE_LEVEL. */
VOID ComponentState(UINT32 Ms, WSKT_RESULT *Result);

/* Whether it is active, or being stopped, by a step's doing. IRQL <= DISPATCH_LEVEL. */
BOOLEAN ComponentOnDemand(VOID);

/* In Unload, when it is not active any more: ends its thread. PASSIVE_LEVEL. */
VOID ComponentEnd(VOID);
