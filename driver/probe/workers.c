/* workers.c - the pool of workers. */
#include "workers.h"

/* Enough for 64 parallel threads with a guarded call each, and some callers beside them. */
#define POOL_WORKERS 160u

static WORKER Workers[POOL_WORKERS];

VOID WorkersInitialize(VOID)
{
    for (UINT32 i = 0; i < POOL_WORKERS; i++) {
        WorkerInitialize(&Workers[i], POOL_REQUEST);
    }
}

NTSTATUS WorkersStart(WORK_ROUTINE *Routine, WORK_ROUTINE *Report, PVOID Context)
{
    NTSTATUS status = STATUS_DEVICE_BUSY;

    for (UINT32 i = 0; i < POOL_WORKERS && status == STATUS_DEVICE_BUSY; i++) {
        status = WorkerStart(&Workers[i], Routine, Report, Context);
    }
    return status;
}

UINT32 WorkersBusy(VOID)
{
    UINT32 busy = 0;

    for (UINT32 i = 0; i < POOL_WORKERS; i++) {
        busy += Workers[i].Busy != 0;
    }
    return busy;
}

VOID WorkersEnd(VOID)
{
    for (UINT32 i = 0; i < POOL_WORKERS; i++) {
        WorkerEnd(&Workers[i]);
    }
}
