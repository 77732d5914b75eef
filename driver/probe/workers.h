/* workers.h - a pool of workers, for whatever may not come back. */
#pragma once

#include "worker.h"

_IRQL_requires_max_(PASSIVE_LEVEL) VOID WorkersInitialize(VOID);

/* As WorkerStart, on any that is free; STATUS_DEVICE_BUSY when there is none. */
_IRQL_requires_max_(PASSIVE_LEVEL) _Must_inspect_result_ NTSTATUS
    WorkersStart(WORK_ROUTINE *Routine, WORK_ROUTINE *Report, PVOID Context);

/* How many have work that has not returned. */
_IRQL_requires_max_(HIGH_LEVEL) UINT32 WorkersBusy(VOID);

/* Ends them all, as WorkerEnd does. */
_IRQL_requires_max_(PASSIVE_LEVEL) VOID WorkersEnd(VOID);
