/*
 * failure.h - a failure of the driver's start that is made on purpose, so that every error path of it can be
 * taken: of the calls that can fail, one does, without being made.
 */
#pragma once

#include "kernel.h"

/* The Nth call from now fails; 0: none does. Once, in DriverEntry. */
_IRQL_requires_max_(PASSIVE_LEVEL) VOID FailureArm(UINT32 Nth);

/* Asked before every call that can fail: STATUS_INSUFFICIENT_RESOURCES where it is the one that does. */
_IRQL_requires_max_(HIGH_LEVEL) _Must_inspect_result_ NTSTATUS FailureHere(VOID);

/* Whether a call has failed. */
_IRQL_requires_max_(HIGH_LEVEL) BOOLEAN FailureMade(VOID);
