/* worker.c - kernel threads that run one piece of work at a time. */
#include "worker.h"
#include "clock.h"
#include "failure.h"

/* Declared in ntifs.h only, which can't be included after ntddk.h. */
NTSYSAPI NTSTATUS NTAPI ZwWaitForSingleObject(HANDLE Handle, BOOLEAN Alertable, PLARGE_INTEGER Timeout);

static KSTART_ROUTINE WorkerMain;

VOID WorkerInitialize(WORKER *Worker, POOL_USE Use)
{
    RtlZeroMemory(Worker, sizeof(*Worker));
    Worker->Use = Use;
    KeInitializeEvent(&Worker->Wake, SynchronizationEvent, FALSE);
}

static VOID NTAPI WorkerMain(PVOID Context)
{
    WORKER *worker = Context;

    for (;;) {
        /* No limit: an idle thread waits for work, and WorkerEnd wakes it. */
        (VOID) WaitFor(&worker->Wake, WAIT_FOREVER);
        if (worker->Routine != NULL) {
            WORK_ROUTINE *routine = worker->Routine;
            WORK_ROUTINE *report = worker->Report;
            PVOID context = worker->Context;

            worker->Routine = NULL;
            routine(context);
            (VOID) InterlockedExchange(&worker->Busy, 0); /* from here on the next work may be put in */
            if (report != NULL) {
                report(context);
            }
        }
        if (worker->Stop) {
            break;
        }
    }
    (VOID) PsTerminateSystemThread(STATUS_SUCCESS);
}

/* The caller has claimed the worker. */
_IRQL_requires_max_(PASSIVE_LEVEL) static NTSTATUS CreateThread(WORKER *Worker)
{
    OBJECT_ATTRIBUTES attributes;
    HANDLE handle;
    /* Those that serve requests are no part of the driver's start. */
    NTSTATUS status = Worker->Use == POOL_REQUEST ? STATUS_SUCCESS : FailureHere();

    InitializeObjectAttributes(&attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    if (NT_SUCCESS(status)) {
        status =
            PsCreateSystemThread(&handle, THREAD_ALL_ACCESS, &attributes, NULL, NULL, WorkerMain, Worker);
    }
    if (!NT_SUCCESS(status)) {
        return status;
    }
    status = ObReferenceObjectByHandle(handle, THREAD_ALL_ACCESS, NULL, KernelMode, &Worker->Thread, NULL);
    if (!NT_SUCCESS(status)) {
        /* Without the object nobody could wait for the thread at unload: end it now. */
        Worker->Thread = NULL;
        Worker->Stop = 1;
        (VOID) KeSetEvent(&Worker->Wake, IO_NO_INCREMENT, FALSE);
        (VOID) ZwWaitForSingleObject(handle, FALSE, NULL); /* it has nothing to do but to end */
        Worker->Stop = 0;
    }
    (VOID) ZwClose(handle);
    return status;
}

NTSTATUS WorkerStart(WORKER *Worker, WORK_ROUTINE *Routine, WORK_ROUTINE *Report, PVOID Context)
{
    NTSTATUS status;

    if (InterlockedCompareExchange(&Worker->Busy, 1, 0) != 0) {
        return STATUS_DEVICE_BUSY;
    }
    if (Worker->Thread == NULL) {
        status = CreateThread(Worker);
        if (!NT_SUCCESS(status)) {
            (VOID) InterlockedExchange(&Worker->Busy, 0);
            return status;
        }
    }
    Worker->Context = Context;
    Worker->Report = Report;
    Worker->Routine = Routine;
    (VOID) KeSetEvent(&Worker->Wake, IO_NO_INCREMENT, FALSE);
    return STATUS_SUCCESS;
}

NTSTATUS WorkerStartAgain(WORKER *Worker, WORK_ROUTINE *Routine, PVOID Context)
{
    NTSTATUS status;

    /* No limit: what is left of the last work is to return from its routine. */
    while ((status = WorkerStart(Worker, Routine, NULL, Context)) == STATUS_DEVICE_BUSY) {
        SleepMs(0);
    }
    return status;
}

VOID WorkerEnd(WORKER *Worker)
{
    if (Worker->Thread == NULL) {
        return;
    }
    Worker->Stop = 1;
    (VOID) KeSetEvent(&Worker->Wake, IO_NO_INCREMENT, FALSE);
    /*
     * No limit: the thread runs this image's code, which must stay loaded until it has ended. Work
     * that never returns therefore keeps the driver from unloading, and is meant to be seen so.
     */
    (VOID) WaitFor(Worker->Thread, WAIT_FOREVER);
    ObDereferenceObject(Worker->Thread);
    Worker->Thread = NULL;
}
