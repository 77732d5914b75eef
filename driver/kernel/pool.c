/* pool.c - the image's own nonpaged pool, counted. */
#include "pool.h"
#include "failure.h"

#define POOL_TAG 0x536b7357u /* shown as WskS */

static volatile LONG BlocksInUse[POOL_USES];

static PVOID Counted(POOL_USE Use, PVOID Block)
{
    if (Block != NULL) {
        (VOID) InterlockedIncrement(&BlocksInUse[Use]);
    }
    return Block;
}

/* A request is no part of the driver's start. */
static BOOLEAN Fails(POOL_USE Use) { return Use != POOL_REQUEST && !NT_SUCCESS(FailureHere()); }

PVOID PoolAllocate(POOL_USE Use, SIZE_T Bytes)
{
    PVOID block = NULL;

    if (!Fails(Use)) {
        /* Not ExAllocatePool2: Windows before 10 2004 and Wine lack it. */
#if defined(_MSC_VER)
#pragma warning(suppress : 4996)
#endif
        block = ExAllocatePoolWithTag(NonPagedPoolNx, Bytes, POOL_TAG);
    }
    if (block != NULL) {
        RtlZeroMemory(block, Bytes);
    }
    return Counted(Use, block);
}

VOID PoolFree(POOL_USE Use, PVOID Block)
{
    ExFreePoolWithTag(Block, POOL_TAG);
    (VOID) InterlockedDecrement(&BlocksInUse[Use]);
}

PIRP PoolIrp(POOL_USE Use, CCHAR Locations)
{
    return Counted(Use, Fails(Use) ? NULL : IoAllocateIrp(Locations, FALSE));
}

VOID PoolFreeIrp(POOL_USE Use, PIRP Irp)
{
    IoFreeIrp(Irp);
    (VOID) InterlockedDecrement(&BlocksInUse[Use]);
}

PMDL PoolMdl(POOL_USE Use, PVOID Block, ULONG Bytes)
{
    PMDL mdl = Counted(Use, Fails(Use) ? NULL : IoAllocateMdl(Block, Bytes, FALSE, FALSE, NULL));

    if (mdl != NULL) {
        MmBuildMdlForNonPagedPool(mdl);
    }
    return mdl;
}

VOID PoolFreeMdl(POOL_USE Use, PMDL Mdl)
{
    IoFreeMdl(Mdl);
    (VOID) InterlockedDecrement(&BlocksInUse[Use]);
}

VOID PoolMove(POOL_USE From, POOL_USE To, LONG Blocks)
{
    (VOID) InterlockedExchangeAdd(&BlocksInUse[From], -Blocks);
    (VOID) InterlockedExchangeAdd(&BlocksInUse[To], Blocks);
}

UINT32 PoolBlocks(POOL_USE Use)
{
    LONG count = BlocksInUse[Use];

    return count > 0 ? (UINT32)count : 0;
}
