/* tally.h - what the runs of one step came to, on one thread or on all. */
#pragma once

#include "histogram.h"

typedef struct TALLY {
    WSKT_RESULT Result; /* of the first run that was not as expected, else of the last one */
    BOOLEAN Deviated;   /* it was not */
    HISTOGRAM Histogram;
} TALLY;

/* No run yet. */
_IRQL_requires_max_(HIGH_LEVEL) VOID TallyInitialize(TALLY *Tally);

/* A run more, or the refusal of one; under the owner's lock, as all of these. */
_IRQL_requires_max_(HIGH_LEVEL) VOID TallyAdd(TALLY *Tally, const WSKT_RESULT *Result, BOOLEAN Expected);

/* The runs of another thread. */
_IRQL_requires_max_(HIGH_LEVEL) VOID TallyMerge(TALLY *Into, const TALLY *From);

/* As it is reported: with percentiles, where asked for. */
_IRQL_requires_max_(HIGH_LEVEL) VOID
    TallyReport(const TALLY *Tally, BOOLEAN Percentiles, WSKT_RESULT *Result);
