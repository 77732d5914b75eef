/*
 * failure.h - a failure of the driver's start that is made on purpose, so that every error path of it can be
 * taken: of the calls that can fail, one does, without being made.
 */
#pragma once

#include "sample.h"

/* The Nth call from now fails; 0: none does. Once, in DriverEntry. */
VOID FailureArm(UINT32 Nth);

/* Whether this call is the one. Asked in front of every call that can fail. Any IRQL. */
BOOLEAN FailHere(VOID);

/* Whether a call has failed. */
BOOLEAN FailureMade(VOID);
