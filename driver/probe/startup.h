/*
 * startup.h - steps that DriverEntry runs, where its service key has some: what a driver of one's own would
 * do there, such as to capture the provider while the machine boots.
 */
#pragma once

#include "kernel.h"

/* Takes the steps from the service key and runs them. In DriverEntry. */
_IRQL_requires_max_(PASSIVE_LEVEL) VOID StartupRun(VOID);

/*
 * Copies what came of them to Out, and its length to *Written; STATUS_NOT_FOUND where there were none,
 * or they could not be run.
 */
_IRQL_requires_max_(DISPATCH_LEVEL) _Must_inspect_result_ NTSTATUS
    StartupResult(PVOID Out, ULONG OutputBytes, ULONG *Written);
