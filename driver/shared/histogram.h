/* histogram.h - how long the runs of a step took, in buckets that are at most an eighth too wide. */
#pragma once

#include "wskabi.h"

#define HISTOGRAM_BUCKETS 320u /* up to 2^42 ns, over an hour: longer than any step may take */

typedef struct HISTOGRAM {
    UINT32 Count[HISTOGRAM_BUCKETS];
    UINT32 Total;
} HISTOGRAM;

/* These two under the owner's lock. The runs of another histogram are added, too. */
_IRQL_requires_max_(HIGH_LEVEL) VOID HistogramAdd(HISTOGRAM *Histogram, UINT64 Ns);
_IRQL_requires_max_(HIGH_LEVEL) VOID HistogramMerge(HISTOGRAM *Into, const HISTOGRAM *From);

/* Percent of all runs took no longer than this; at most Max. 0 if there were none. */
_IRQL_requires_max_(HIGH_LEVEL) UINT64
    HistogramPercentile(const HISTOGRAM *Histogram, UINT32 Percent, UINT64 Max);
