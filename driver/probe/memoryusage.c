/*
 * memoryusage.c - memory in use, as the kernel itself counts it.
 *
 * What a leak in WSK costs is not this driver's own pool, so its own counters can't show it. Windows
 * counts the pages of both pools; where the kernel is a process (Wine), that process is what grows.
 * Which count means something is not guessed from the system's name but measured, once: it is the one
 * that notices a few megabytes allocated here.
 */
#include "stepcall.h"
#include "pool.h"

static PASSIVE_ROUTINE MemoryRun;
static OPERATION_CHECK MemoryCheck;

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

static NTSTATUS ReadNothing(UINT64 *Bytes)
{
    UNREFERENCED_PARAMETER(Bytes);
    return STATUS_NOT_SUPPORTED;
}

typedef NTSTATUS USAGE_READER(UINT64 *Bytes);

static BOOLEAN Notices(USAGE_READER *Read)
{
    PVOID probe = NULL;
    UINT64 before = 0;
    UINT64 with = 0;
    BOOLEAN read = NT_SUCCESS(Read(&before));

    if (read) {
        probe = PoolAllocate(POOL_REQUEST, PROBE_BYTES);
    }
    if (probe == NULL) {
        return FALSE;
    }
    read = NT_SUCCESS(Read(&with));
    PoolFree(POOL_REQUEST, probe);
    /* Half of it, since others allocate and free meanwhile. */
    return read && with >= before + PROBE_BYTES / 2;
}

/* STATUS_NOT_SUPPORTED where no count of the kernel notices an allocation. */
_IRQL_requires_max_(PASSIVE_LEVEL) static NTSTATUS ReadUsage(UINT64 *Bytes)
{
    static USAGE_READER *volatile chosen;

    if (chosen == NULL) {
        chosen = Notices(ReadPools) ? ReadPools : Notices(ReadProcess) ? ReadProcess : ReadNothing;
    }
    return chosen(Bytes);
}

/* One mark for all callers: a case measures the whole machine, so two at once mean nothing anyway. */
static volatile LONG64 MemoryMark;

static VOID MemoryRun(const STEP_CALL *Call, WSKT_RESULT *Result)
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

static NTSTATUS MemoryCheck(const STEP_CALL *Call) { return Sound(Call->Step.Arg[0] <= 1); }

const OPERATION MemoryOperation = {MemoryRun, MemoryCheck, LEVEL_PASSIVE};
