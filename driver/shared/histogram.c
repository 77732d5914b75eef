/* histogram.c - buckets of equal width within each power of two, eight a power. */
#include "histogram.h"

#define SUB_BITS 3u
#define SUBS     (1u << SUB_BITS)

static UINT32 BucketOf(UINT64 Ns)
{
    UINT32 power = 0;
    UINT32 bucket;

    if (Ns < SUBS) {
        return (UINT32)Ns;
    }
    while (Ns >> power >= 2 * SUBS) {
        power++;
    }
    bucket = (power + 1) * SUBS + (UINT32)(Ns >> power) - SUBS;
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

/* The longest time of a bucket. */
static UINT64 EndOf(UINT32 Bucket)
{
    UINT32 power = Bucket / SUBS;

    if (power == 0) {
        return Bucket;
    }
    return (((UINT64)SUBS + Bucket % SUBS + 1) << (power - 1)) - 1;
}

VOID HistogramAdd(HISTOGRAM *Histogram, UINT64 Ns)
{
    Histogram->Count[BucketOf(Ns)]++;
    Histogram->Total++;
}

VOID HistogramMerge(HISTOGRAM *Into, const HISTOGRAM *From)
{
    for (UINT32 i = 0; i < HISTOGRAM_BUCKETS; i++) {
        Into->Count[i] += From->Count[i];
    }
    Into->Total += From->Total;
}

UINT64 HistogramPercentile(const HISTOGRAM *Histogram, UINT32 Percent, UINT64 Max)
{
    UINT64 rank = ((UINT64)Histogram->Total * Percent + 99) / 100;
    UINT64 seen = 0;
    UINT64 end = 0;

    for (UINT32 i = 0; i < HISTOGRAM_BUCKETS && seen < rank; i++) {
        seen += Histogram->Count[i];
        end = EndOf(i);
    }
    return end < Max ? end : Max;
}
