/* serverstep.h - steps about the sample's own server. */
#pragma once

#include "stepcall.h"

/* In DriverEntry: whether that activates the server, which is then part of the loaded driver's normal state.
 */
_IRQL_requires_max_(PASSIVE_LEVEL) VOID ServerStepsAtStart(BOOLEAN Activated);

/* Whether it is active, or being stopped, by a step's doing: something that a case has to undo. */
_IRQL_requires_max_(DISPATCH_LEVEL) BOOLEAN ServerOnDemand(VOID);
