/* judge.c - compares what a unit gave with what the plan says. */
#include "judge.h"

BOOL AnswerIsSound(const WSKP_UNIT *Unit, const WSKT_UNIT_RESULT *Answer, DWORD Bytes)
{
    return Bytes == FIELD_OFFSET(WSKT_UNIT_RESULT, Result) + Unit->StepCount * sizeof(WSKT_RESULT) &&
           Answer->Abi == WSKT_ABI && Answer->StepCount == Unit->StepCount &&
           Answer->Completed <= Unit->Parallel && Answer->FailedStep >= -1 &&
           Answer->FailedStep < (INT32)Unit->StepCount;
}

/*
 * Did every thread run every step as often as the plan says? Where time or chance decide how often, every
 * thread must have finished, and each step must have run as often as the one before it in its group, unless
 * that, or itself, may end a list.
 */
static BOOL AllWasRun(const WSKP_UNIT *Unit, const WSKP_STEP *Step, const WSKT_UNIT_RESULT *Answer)
{
    BOOL counted = Unit->ForMs == 0 && Unit->Groups == 0;

    if (Answer->Completed != Unit->Parallel || Answer->FailedStep >= 0)
        return FALSE;
    for (UINT32 i = 0; i < Unit->StepCount; i++) {
        BOOL first = i == 0 || Step[i].Step.Group != Step[i - 1].Step.Group;
        UINT64 runs = Answer->Result[i].Executed;
        UINT64 most = first ? (UINT64)Unit->Repeat * Unit->Parallel : Answer->Result[i - 1].Executed;
        BOOL all = (first ? counted : Step[i - 1].Step.NextCount == 0) &&
                   (Step[i].Step.Flags & WSKT_STEP_YIELD) == 0;

        if (runs == 0 || runs > most || (all && runs != most))
            return FALSE;
    }
    return TRUE;
}

BOOL StepIsExpected(const WSKP_UNIT *Unit, const WSKP_STEP *Step, const WSKT_KEPT *Kept,
                    const WSKT_UNIT_RESULT *Answer, UINT32 Index)
{
    WSKT_STEP step = Step[Index].Step;

    (void)WsktTakeAll(Kept, &step); /* what is not known makes it deviate, where it is demanded */
    if (WsktJudge(&step, &Answer->Result[Index]) == WSKT_DEVIATES)
        return FALSE;
    if (AllWasRun(Unit, Step, Answer))
        return TRUE;
    /* Without a step to blame the whole unit is short of runs: its last step answers for that. */
    return Answer->FailedStep >= 0 ? (UINT32)Answer->FailedStep != Index : Index + 1 < Unit->StepCount;
}
