/*
 * gauge.c - memory in use, as the kernel itself counts it.
 *
 * What a leak in WSK costs is not this driver's own pool, so its own counters can't show it. Windows
 * counts the pages of both pools; where the kernel is a process (Wine), that process is what grows.
 * Which gauge means something is not guessed from the system's name but measured, once: it is the one
 * that notices a few megabytes allocated here.
 */
#include "sample.h"

#define SYSTEM_PERFORMANCE 2u
#define PROBE_BYTES        (8u * 1024u * 1024u)

/* Exported by ntoskrnl and documented for user mode under their Nt names. */
NTSYSAPI NTSTATUS NTAPI ZwQuerySystemInformation(ULONG Class, PVOID Buffer, ULONG Bytes, PULONG Returned);
NTSYSAPI NTSTATUS NTAPI ZwQueryInformationProcess(HANDLE Process, PROCESSINFOCLASS Class, PVOID Buffer,
                                                  ULONG Bytes, PULONG Returned);

/* Of SYSTEM_PERFORMANCE_INFORMATION only what is used; its end has grown with every Windows. */
typedef struct PERFORMANCE {
    LARGE_INTEGER Times[4];
    ULONG Counts[20];
    ULONG PagedPoolPages;
    ULONG NonPagedPoolPages;
    UINT8 Rest[0x300];
} PERFORMANCE;

C_ASSERT(FIELD_OFFSET(PERFORMANCE, PagedPoolPages) == 0x70);

typedef enum GAUGE {
    GAUGE_UNKNOWN,
    GAUGE_POOLS,
    GAUGE_PROCESS,
    GAUGE_NONE,
} GAUGE;

static volatile LONG Chosen; /* a GAUGE */

static NTSTATUS ReadPools(UINT64 *Bytes)
{
    PERFORMANCE *performance = PoolAllocate(POOL_REQUEST, sizeof(*performance)); /* large for a stack */
    NTSTATUS status = STATUS_INSUFFICIENT_RESOURCES;

    if (performance != NULL) {
        status = ZwQuerySystemInformation(SYSTEM_PERFORMANCE, performance, sizeof(*performance), NULL);
        *Bytes = ((UINT64)performance->PagedPoolPages + performance->NonPagedPoolPages) * PAGE_SIZE;
        PoolFree(POOL_REQUEST, performance);
    }
    return status;
}

static NTSTATUS ReadProcess(UINT64 *Bytes)
{
    VM_COUNTERS counters;
    NTSTATUS status;

    RtlZeroMemory(&counters, sizeof(counters));
    status =
        ZwQueryInformationProcess(ZwCurrentProcess(), ProcessVmCounters, &counters, sizeof(counters), NULL);
    *Bytes = counters.PagefileUsage;
    return status;
}

static NTSTATUS ReadGauge(GAUGE Gauge, UINT64 *Bytes)
{
    switch (Gauge) {
    case GAUGE_POOLS:
        return ReadPools(Bytes);
    case GAUGE_PROCESS:
        return ReadProcess(Bytes);
    default:
        return STATUS_NOT_SUPPORTED;
    }
}

static BOOLEAN Notices(GAUGE Gauge)
{
    UINT64 before = 0;
    UINT64 with = 0;
    NTSTATUS status = ReadGauge(Gauge, &before);
    PVOID probe;

    if (!NT_SUCCESS(status)) {
        return FALSE;
    }
    probe = PoolAllocate(POOL_REQUEST, PROBE_BYTES);
    if (probe == NULL) {
        return FALSE;
    }
    status = ReadGauge(Gauge, &with);
    PoolFree(POOL_REQUEST, probe);
    /* Half of it, since others allocate and free meanwhile. */
    return NT_SUCCESS(status) && with >= before + PROBE_BYTES / 2;
}

NTSTATUS GaugeRead(UINT64 *Bytes)
{
    if (Chosen == GAUGE_UNKNOWN) {
        GAUGE gauge = Notices(GAUGE_POOLS)     ? GAUGE_POOLS
                      : Notices(GAUGE_PROCESS) ? GAUGE_PROCESS
                                               : GAUGE_NONE;

        (VOID) InterlockedExchange(&Chosen, gauge);
    }
    return ReadGauge((GAUGE)Chosen, Bytes);
}
