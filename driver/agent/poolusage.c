/* poolusage.c - what the kernel counts of the driver's own pool. */
#include "poolusage.h"

#include <stdlib.h>
#include <winternl.h>

#define SYSTEM_POOL_TAG_INFORMATION 22
#define SAMPLE_TAG                  0x536b7357u /* WskS, as in driver/sample/sample.h */

#define FIRST_BYTES (256u * 1024u)
#define MOST_BYTES  (16u * 1024u * 1024u)

/* SYSTEM_POOLTAG: what poolmon shows. */
typedef struct POOL_TAG {
    ULONG Tag;
    ULONG PagedAllocs;
    ULONG PagedFrees;
    SIZE_T PagedUsed;
    ULONG NonPagedAllocs;
    ULONG NonPagedFrees;
    SIZE_T NonPagedUsed;
} POOL_TAG;

typedef struct POOL_TAGS {
    ULONG Count;
    POOL_TAG Tag[1];
} POOL_TAGS;

BOOL PoolUsage(UINT64 *Bytes)
{
    *Bytes = 0;
    for (ULONG size = FIRST_BYTES; size <= MOST_BYTES; size *= 2) {
        POOL_TAGS *tags = calloc(1, size);
        ULONG returned = 0;
        NTSTATUS status;
        BOOL found = FALSE;

        if (tags == NULL)
            return FALSE;
        status = NtQuerySystemInformation(SYSTEM_POOL_TAG_INFORMATION, tags, size, &returned);
        for (ULONG i = 0; NT_SUCCESS(status) && i < tags->Count; i++) {
            if ((const UINT8 *)&tags->Tag[i + 1] > (const UINT8 *)tags + size)
                break;
            found = TRUE;
            if (tags->Tag[i].Tag == SAMPLE_TAG)
                *Bytes += tags->Tag[i].PagedUsed + tags->Tag[i].NonPagedUsed;
        }
        free(tags);
        if (NT_SUCCESS(status))
            return found;
        if ((ULONG)status != 0xC0000004u) /* STATUS_INFO_LENGTH_MISMATCH */
            return FALSE;
    }
    return FALSE;
}
