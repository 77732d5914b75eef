/* stepstats.h - what the runs of one step came to, on one thread or on all. */
#pragma once

#include "histogram.h"

typedef struct STEP_STATS {
    WSKT_RESULT Result; /* of the first run that was not as expected, else of the last one */
    BOOLEAN Deviated;   /* it was not */
    HISTOGRAM Histogram;
} STEP_STATS;

/* No run yet. */
_IRQL_requires_max_(HIGH_LEVEL) VOID StatsInitialize(STEP_STATS *Stats);

/* A run more, or the refusal of one; under the owner's lock, as all of these. */
_IRQL_requires_max_(HIGH_LEVEL) VOID StatsAdd(STEP_STATS *Stats, const WSKT_RESULT *Result, BOOLEAN Expected);

/* The runs of another thread. */
_IRQL_requires_max_(HIGH_LEVEL) VOID StatsMerge(STEP_STATS *Into, const STEP_STATS *From);

/* As it is reported: with percentiles, where asked for. */
_IRQL_requires_max_(HIGH_LEVEL) VOID
    StatsReport(const STEP_STATS *Stats, BOOLEAN Percentiles, WSKT_RESULT *Result);
