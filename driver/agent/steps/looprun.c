/* looprun.c - what the owner of a loop and its threads share: the counts of each step, and what failed first.
 */
#include "looprun.h"

#include <stdlib.h>

void LoopRelease(LOOP_RUN *Run)
{
    UINT32 count = Run->Batch->StepCount * (Run->Batch->Parallel + 1);

    if (InterlockedDecrement(&Run->References) != 0)
        return;
    for (UINT32 i = 0; Run->Stats != NULL && i < count; i++)
        free(Run->Stats[i].Kept.Data);
    if (Run->Finished != NULL)
        CloseHandle(Run->Finished);
    free(Run->Stats);
    free(Run);
}

LOOP_STATS *LoopStats(const LOOP_RUN *Run, UINT32 Thread, UINT32 Step)
{
    return &Run->Stats[Thread * Run->Batch->StepCount + Step];
}

void LoopNoteFailure(LOOP_RUN *Run, UINT32 Thread, UINT32 Iteration, UINT32 Step)
{
    AcquireSRWLockExclusive(&Run->Lock);
    if (Run->FailedStep < 0) {
        Run->FailedStep = (INT32)Step;
        Run->FailedThread = Thread;
        Run->FailedIteration = Iteration;
    }
    ReleaseSRWLockExclusive(&Run->Lock);
    InterlockedExchange(&Run->Stop, 1);
}

/* Takes over an output, where the stats that it belongs to take over its result. */
static void KeepWithResult(LOOP_STATS *Into, CAPTURE *Kept)
{
    if (Into->Step.Deviated)
        return;
    free(Into->Kept.Data);
    Into->Kept = *Kept;
    *Kept = (CAPTURE){0};
}

void LoopMerge(LOOP_STATS *Into, LOOP_STATS *From)
{
    if (From->Step.Result.Origin != WSKT_ORIGIN_SKIPPED)
        KeepWithResult(Into, &From->Kept);
    StatsMerge(&Into->Step, &From->Step);
}

void LoopNoteRun(LOOP_RUN *Run, UINT32 Thread, UINT32 Step, const WSKT_RESULT *Result, BOOL Expected,
                 CAPTURE *Kept)
{
    LOOP_STATS *stats = LoopStats(Run, Thread, Step);

    AcquireSRWLockExclusive(&Run->Thread[Thread].Lock);
    KeepWithResult(stats, Kept);
    StatsAdd(&stats->Step, Result, (BOOLEAN)Expected);
    ReleaseSRWLockExclusive(&Run->Thread[Thread].Lock);
}
