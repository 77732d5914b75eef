/*
 * memory.c - the driver's own nonpaged pool, counted so that a leak is a number.
 */
#include "sample.h"
#include "failure.h"

static volatile LONG BlocksInUse[POOL_USES];

PVOID PoolAllocate(POOL_USE Use, SIZE_T Bytes)
{
    PVOID block;

    if (Use != POOL_REQUEST && FailHere()) { /* a request is no part of the driver's start */
        return NULL;
    }
    /* Not ExAllocatePool2: Windows before 10 2004 and Wine lack it. */
#if defined(_MSC_VER)
#pragma warning(suppress : 4996)
#endif
    block = ExAllocatePoolWithTag(NonPagedPoolNx, Bytes, SAMPLE_TAG);
    if (block != NULL) {
        RtlZeroMemory(block, Bytes);
        PoolCount(Use, 1);
    }
    return block;
}

VOID PoolFree(POOL_USE Use, PVOID Block)
{
    ExFreePoolWithTag(Block, SAMPLE_TAG);
    PoolCount(Use, -1);
}

VOID PoolCount(POOL_USE Use, LONG Change)
{
    (VOID) InterlockedExchangeAdd(&BlocksInUse[Use], Change);
}

UINT32 PoolBlocks(POOL_USE Use)
{
    LONG count = BlocksInUse[Use];

    return count > 0 ? (UINT32)count : 0;
}
