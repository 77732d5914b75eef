/*
 * sample.h - what every file of wsksample.sys needs: the kernel, the contract with the agent, time,
 * memory.
 */
#pragma once

#include <ntddk.h>

#include "wskabi.h"
#include "wskddk.h"
#include "defects.h"

#define SAMPLE_TAG 0x536b7357u /* shown as WskS */

/* Milliseconds for a wait without a limit. Each use says why there can be none. */
#define WAIT_FOREVER 0xFFFFFFFFu

/*
 * The bytes of what WSK is to write, before the call. A client's variables have anything in them then: a
 * provider that reads them, or leaves them as they are, must not find what it should have written.
 */
#define UNWRITTEN 0xAA

/* clock.c */

/* A monotonic clock in nanoseconds. Any IRQL. */
UINT64 ClockNs(VOID);

/* When a wait of that many milliseconds that starts now is over, on ClockNs. Any IRQL. */
UINT64 DeadlineIn(UINT32 Ms);

/* Milliseconds until Deadline, rounded up; 0 once it has passed. Any IRQL. */
UINT32 DeadlineLeft(UINT64 Deadline);

/* STATUS_SUCCESS or STATUS_TIMEOUT. PASSIVE_LEVEL. */
NTSTATUS WaitFor(PVOID Object, UINT32 Ms);

/* PASSIVE_LEVEL. */
VOID SleepMs(UINT32 Ms);

/* memory.c: nonpaged pool, counted by what it is for. IRPs and MDLs count: they are pool too. */

typedef enum POOL_USE {
    POOL_REQUEST,   /* a unit or a guarded call that has not returned */
    POOL_CASE,      /* registrations of a case */
    POOL_COMPONENT, /* the echo server's */
    POOL_ASIDE,     /* socket operations that a provider has refused without completing their IRP */
    POOL_USES,
} POOL_USE;

/* Zeroed, or NULL. IRQL <= DISPATCH_LEVEL. */
PVOID PoolAllocate(POOL_USE Use, SIZE_T Bytes);

/* IRQL <= DISPATCH_LEVEL. */
VOID PoolFree(POOL_USE Use, PVOID Block);

/* For IRPs and MDLs: +1 allocated, -1 freed. Any IRQL. */
VOID PoolCount(POOL_USE Use, LONG Change);

UINT32 PoolBlocks(POOL_USE Use);

/* gauge.c: how much memory is in use, for finding leaks that are not this driver's own blocks. */

/* STATUS_NOT_SUPPORTED where the kernel has no gauge that notices an allocation. PASSIVE_LEVEL. */
NTSTATUS GaugeRead(UINT64 *Bytes);
