/*
 * pool.h - nonpaged pool, counted by what it is for, so that a leak is a number. IRPs and MDLs are pool, too.
 */
#pragma once

#include "kernel.h"

typedef enum POOL_USE {
    POOL_REQUEST, /* a batch or a guarded call that has not returned */
    POOL_CASE,    /* registrations and socket operations of a case */
    POOL_SERVER,  /* the echo server's */
    POOL_ASIDE,   /* socket operations that a provider has refused without completing their IRP */
    POOL_USES,
} POOL_USE;

/* Zeroed, or NULL. */
_IRQL_requires_max_(DISPATCH_LEVEL) _Must_inspect_result_ PVOID PoolAllocate(POOL_USE Use, SIZE_T Bytes);
_IRQL_requires_max_(DISPATCH_LEVEL) VOID PoolFree(POOL_USE Use, PVOID Block);

/* An IRP with that many stack locations, or NULL. */
_IRQL_requires_max_(DISPATCH_LEVEL) _Must_inspect_result_ PIRP PoolIrp(POOL_USE Use, CCHAR Locations);
_IRQL_requires_max_(DISPATCH_LEVEL) VOID PoolFreeIrp(POOL_USE Use, PIRP Irp);

/* An MDL that describes all of a block of nonpaged pool, or NULL. */
_IRQL_requires_max_(DISPATCH_LEVEL) _Must_inspect_result_ PMDL
    PoolMdl(POOL_USE Use, PVOID Block, ULONG Bytes);
_IRQL_requires_max_(DISPATCH_LEVEL) VOID PoolFreeMdl(POOL_USE Use, PMDL Mdl);

/* So many blocks count for another use from here on. */
_IRQL_requires_max_(HIGH_LEVEL) VOID PoolMove(POOL_USE From, POOL_USE To, LONG Blocks);

_IRQL_requires_max_(HIGH_LEVEL) UINT32 PoolBlocks(POOL_USE Use);
