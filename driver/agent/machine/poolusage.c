/* poolusage.c - what the kernel counts of a driver's pool. */
#include "poolusage.h"

#include <stdlib.h>
#include <winternl.h>

#define SYSTEM_POOL_TAG_INFORMATION 22
#define SAMPLE_TAG                  "WskS" /* as in driver/kernel/pool.c */
#define TAG_CHARS                   4u

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

/* A tag of less than four characters is padded with blanks, or with zeros, as whoever allocates has it. */
static BOOL TagMatches(const POOL_TAG *Tag, const char *Pattern)
{
    char tag[TAG_CHARS];
    size_t at = 0;

    memcpy(tag, &Tag->Tag, sizeof tag);
    for (; at < TAG_CHARS && Pattern[at] != '\0'; at++) {
        if (Pattern[at] == '*' && Pattern[at + 1] == '\0')
            return TRUE;
        if (tag[at] != Pattern[at])
            return FALSE;
    }
    for (; at < TAG_CHARS; at++) {
        if (tag[at] != ' ' && tag[at] != '\0')
            return FALSE;
    }
    return TRUE;
}

static BOOL AnyTagMatches(const POOL_TAG *Tag, WORDS Tags)
{
    const char *pattern = WordsNext(&Tags);

    if (pattern == NULL)
        return TagMatches(Tag, SAMPLE_TAG);
    for (; pattern != NULL; pattern = WordsNext(&Tags)) {
        if (TagMatches(Tag, pattern))
            return TRUE;
    }
    return FALSE;
}

BOOL PoolUsage(WORDS Tags, UINT64 *Bytes)
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
            if (AnyTagMatches(&tags->Tag[i], Tags))
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
