/* stepstats.c - adds up the runs of a step. */
#include "stepstats.h"

VOID StatsInitialize(STEP_STATS *Stats)
{
    static const STEP_STATS none = {.Result = {.Origin = WSKT_ORIGIN_SKIPPED}};

    *Stats = none;
}

/* Takes over the result; counts and times are of all runs. */
static VOID TakeResult(STEP_STATS *Stats, const WSKT_RESULT *Result, BOOLEAN Expected)
{
    UINT32 executed = Stats->Result.Executed + Result->Executed;
    UINT64 max = Stats->Result.MaxNs > Result->MaxNs ? Stats->Result.MaxNs : Result->MaxNs;

    if (!Stats->Deviated) {
        Stats->Result = *Result;
        Stats->Deviated = !Expected;
    }
    Stats->Result.Executed = executed;
    Stats->Result.MaxNs = max;
}

VOID StatsAdd(STEP_STATS *Stats, const WSKT_RESULT *Result, BOOLEAN Expected)
{
    TakeResult(Stats, Result, Expected);
    /* What made no call, or has not come back, has no time that could be compared with that of others. */
    if (Result->Origin == WSKT_ORIGIN_CALL || Result->Origin == WSKT_ORIGIN_ASYNC) {
        HistogramAdd(&Stats->Histogram, Result->ElapsedNs);
    }
}

VOID StatsMerge(STEP_STATS *Into, const STEP_STATS *From)
{
    if (From->Result.Origin != WSKT_ORIGIN_SKIPPED) {
        TakeResult(Into, &From->Result, !From->Deviated);
        HistogramMerge(&Into->Histogram, &From->Histogram);
    }
}

VOID StatsReport(const STEP_STATS *Stats, BOOLEAN Percentiles, WSKT_RESULT *Result)
{
    *Result = Stats->Result;
    if (Percentiles) {
        Result->P50Ns = HistogramPercentile(&Stats->Histogram, 50, Result->MaxNs);
        Result->P95Ns = HistogramPercentile(&Stats->Histogram, 95, Result->MaxNs);
        Result->P99Ns = HistogramPercentile(&Stats->Histogram, 99, Result->MaxNs);
    }
}
