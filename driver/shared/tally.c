/* tally.c - adds up the runs of a step. */
#include "tally.h"

VOID TallyInitialize(TALLY *Tally)
{
    static const TALLY none = {.Result = {.Origin = WSKT_ORIGIN_SKIPPED}};

    *Tally = none;
}

/* Takes over the result; counts and times are of all runs. */
static VOID TakeResult(TALLY *Tally, const WSKT_RESULT *Result, BOOLEAN Expected)
{
    UINT32 executed = Tally->Result.Executed + Result->Executed;
    UINT64 max = Tally->Result.MaxNs > Result->MaxNs ? Tally->Result.MaxNs : Result->MaxNs;

    if (!Tally->Deviated) {
        Tally->Result = *Result;
        Tally->Deviated = !Expected;
    }
    Tally->Result.Executed = executed;
    Tally->Result.MaxNs = max;
}

VOID TallyAdd(TALLY *Tally, const WSKT_RESULT *Result, BOOLEAN Expected)
{
    TakeResult(Tally, Result, Expected);
    /* What made no call, or has not come back, has no time that could be compared with that of others. */
    if (Result->Origin == WSKT_ORIGIN_CALL || Result->Origin == WSKT_ORIGIN_ASYNC) {
        HistogramAdd(&Tally->Histogram, Result->ElapsedNs);
    }
}

VOID TallyMerge(TALLY *Into, const TALLY *From)
{
    if (From->Result.Origin != WSKT_ORIGIN_SKIPPED) {
        TakeResult(Into, &From->Result, !From->Deviated);
        HistogramMerge(&Into->Histogram, &From->Histogram);
    }
}

VOID TallyReport(const TALLY *Tally, BOOLEAN Percentiles, WSKT_RESULT *Result)
{
    *Result = Tally->Result;
    if (Percentiles) {
        Result->P50Ns = HistogramPercentile(&Tally->Histogram, 50, Result->MaxNs);
        Result->P95Ns = HistogramPercentile(&Tally->Histogram, 95, Result->MaxNs);
        Result->P99Ns = HistogramPercentile(&Tally->Histogram, 99, Result->MaxNs);
    }
}
