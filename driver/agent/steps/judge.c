/* judge.c - compares what a batch gave with what the plan says. */
#include "judge.h"

BOOL AnswerIsSound(const WSKP_BATCH *Batch, const WSKT_BATCH_RESULT *Answer, DWORD Bytes)
{
    return Bytes == FIELD_OFFSET(WSKT_BATCH_RESULT, Result) + Batch->StepCount * sizeof(WSKT_RESULT) &&
           Answer->Abi == WSKT_ABI && Answer->StepCount == Batch->StepCount &&
           Answer->Completed <= Batch->Parallel && Answer->FailedStep >= -1 &&
           Answer->FailedStep < (INT32)Batch->StepCount;
}

/*
 * Did every thread run every step as often as the plan says? Where time or chance decide how often, every
 * thread must have finished, and each step must have run as often as the one before it in its group, unless
 * that, or itself, may end a list.
 */
static BOOL AllWasRun(const WSKP_BATCH *Batch, const WSKP_STEP *Step, const WSKT_BATCH_RESULT *Answer)
{
    BOOL counted = Batch->ForMs == 0 && Batch->Groups == 0;

    if (Answer->Completed != Batch->Parallel || Answer->FailedStep >= 0)
        return FALSE;
    for (UINT32 i = 0; i < Batch->StepCount; i++) {
        BOOL first = i == 0 || Step[i].Step.Group != Step[i - 1].Step.Group;
        UINT64 runs = Answer->Result[i].Executed;
        UINT64 most = first ? (UINT64)Batch->Repeat * Batch->Parallel : Answer->Result[i - 1].Executed;
        BOOL all = (first ? counted : Step[i - 1].Step.NextCount == 0) &&
                   (Step[i].Step.Flags & WSKT_STEP_YIELD) == 0;

        if (runs == 0 || runs > most || (all && runs != most))
            return FALSE;
    }
    return TRUE;
}

BOOL StepIsExpected(const WSKP_BATCH *Batch, const WSKP_STEP *Step, const WSKT_KEPT *Kept,
                    const WSKT_BATCH_RESULT *Answer, UINT32 Index)
{
    WSKT_STEP step = Step[Index].Step;

    (void)WsktTakeAll(Kept, &step); /* what is not known makes it deviate, where it is demanded */
    if (WsktJudge(&step, &Answer->Result[Index]) == WSKT_DEVIATES)
        return FALSE;
    if (AllWasRun(Batch, Step, Answer))
        return TRUE;
    /* Without a step to blame the whole batch is short of runs: its last step answers for that. */
    return Answer->FailedStep >= 0 ? (UINT32)Answer->FailedStep != Index : Index + 1 < Batch->StepCount;
}
