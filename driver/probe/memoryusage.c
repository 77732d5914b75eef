/*
 * memoryusage.c - memory in use, as the kernel itself counts it.
 *
 * What a leak in WSK costs is not this driver's own pool, so its own counters can't show it. Windows
 * counts the pages of both pools; where the kernel is a process (Wine), that process is what grows.
 * Which count means something is not guessed from the system's name but measured, once: it is the one
 * that notices a few megabytes allocated here.
 */
#include "memoryusage.h"
#include "pool.h"

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

typedef enum USAGE_COUNT {
    USAGE_UNKNOWN,
    USAGE_POOLS,
    USAGE_PROCESS,
    USAGE_NONE,
} USAGE_COUNT;

static volatile LONG Chosen; /* a USAGE_COUNT */

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

static NTSTATUS ReadCount(USAGE_COUNT Count, UINT64 *Bytes)
{
    switch (Count) {
    case USAGE_POOLS:
        return ReadPools(Bytes);
    case USAGE_PROCESS:
        return ReadProcess(Bytes);
    default:
        return STATUS_NOT_SUPPORTED;
    }
}

static BOOLEAN Notices(USAGE_COUNT Count)
{
    UINT64 before = 0;
    UINT64 with = 0;
    NTSTATUS status = ReadCount(Count, &before);
    PVOID probe;

    if (!NT_SUCCESS(status)) {
        return FALSE;
    }
    probe = PoolAllocate(POOL_REQUEST, PROBE_BYTES);
    if (probe == NULL) {
        return FALSE;
    }
    status = ReadCount(Count, &with);
    PoolFree(POOL_REQUEST, probe);
    /* Half of it, since others allocate and free meanwhile. */
    return NT_SUCCESS(status) && with >= before + PROBE_BYTES / 2;
}

/* STATUS_NOT_SUPPORTED where no count of the kernel notices an allocation. PASSIVE_LEVEL. */
static NTSTATUS ReadUsage(UINT64 *Bytes)
{
    if (Chosen == USAGE_UNKNOWN) {
        USAGE_COUNT count = Notices(USAGE_POOLS)     ? USAGE_POOLS
                            : Notices(USAGE_PROCESS) ? USAGE_PROCESS
                                                     : USAGE_NONE;

        (VOID) InterlockedExchange(&Chosen, count);
    }
    return ReadCount((USAGE_COUNT)Chosen, Bytes);
}

/* One mark for all callers: a case measures the whole machine, so two at once mean nothing anyway. */
static volatile LONG64 MemoryMark;

VOID MemoryRun(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    UINT64 bytes = 0;
    UINT64 mark;
    NTSTATUS status = ReadUsage(&bytes);

    if (!NT_SUCCESS(status)) {
        Refuse(Result, status);
        return;
    }
    if (Call->Step.Arg[0] != 0) {
        (VOID) InterlockedExchange64(&MemoryMark, (LONG64)bytes);
    }
    mark = (UINT64)MemoryMark;
    Result->Value[WSKT_V_MEMORY_BYTES] = bytes;
    Result->Value[WSKT_V_MEMORY_GROWTH] = bytes > mark ? bytes - mark : 0;
}

NTSTATUS MemoryCheck(const STEP_CALL *Call)
{
    return Sound(Call->Step.Arg[0] <= 1);
}
