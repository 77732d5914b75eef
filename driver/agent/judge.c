/* judge.c - compares what a unit gave with what the plan says. */
#include "judge.h"

#define STATUS_SUCCESS_VALUE 0u
#define STATUS_PENDING_VALUE 0x103u

BOOL AnswerIsSound(const WSKP_UNIT *Unit, const WSKT_UNIT_RESULT *Answer, DWORD Bytes)
{
    return Bytes == FIELD_OFFSET(WSKT_UNIT_RESULT, Result) + Unit->StepCount * sizeof(WSKT_RESULT) &&
           Answer->Abi == WSKT_ABI && Answer->StepCount == Unit->StepCount &&
           Answer->Completed <= Unit->Parallel && Answer->FailedStep >= -1 &&
           Answer->FailedStep < (INT32)Unit->StepCount;
}

/*
 * A recorded step may also have been refused by the driver (a release after a capture that gave
 * nothing); a step that has not come back is never as expected.
 */
static BOOL OriginIsExpected(const WSKT_STEP *Step, const WSKT_RESULT *Result)
{
    UINT32 usual = Step->Thread != 0 ? WSKT_ORIGIN_ASYNC : WSKT_ORIGIN_CALL;

    return Result->Origin == usual ||
           ((Step->Flags & WSKT_STEP_RECORD) != 0 && Result->Origin == WSKT_ORIGIN_REFUSED);
}

static BOOL StatusIsExpected(const WSKT_STEP *Step, const WSKT_RESULT *Result)
{
    if ((Step->Flags & WSKT_STEP_RECORD) != 0)
        return TRUE;
    if (Step->ExpectCount == 0)
        return Result->Status == (Step->Thread != 0 ? STATUS_PENDING_VALUE : STATUS_SUCCESS_VALUE);
    for (UINT32 i = 0; i < Step->ExpectCount; i++) {
        if (Result->Status == Step->Expect[i])
            return TRUE;
    }
    return FALSE;
}

static UINT64 CheckedValue(const WSKP_CHECK *Check, const WSKT_RESULT *Result)
{
    switch (Check->Value) {
    case WSKP_VALUE_ELAPSED_NS:
        return Result->ElapsedNs;
    case WSKP_VALUE_MAX_NS:
        return Result->MaxNs;
    case WSKP_VALUE_EXECUTED:
        return Result->Executed;
    default:
        return Result->Value[Check->Value];
    }
}

static BOOL CheckHolds(const WSKP_CHECK *Check, const WSKT_RESULT *Result)
{
    UINT64 value = CheckedValue(Check, Result);

    switch (Check->Compare) {
    case WSKP_EQ:
        return value == Check->Want;
    case WSKP_NE:
        return value != Check->Want;
    case WSKP_GE:
        return value >= Check->Want;
    case WSKP_LE:
        return value <= Check->Want;
    default:
        return (value & Check->Want) == Check->Want;
    }
}

/*
 * Did every thread run every step as often as the plan says? Where time or chance decide how often, every
 * thread must have finished, and the steps of one group must have run equally often.
 */
static BOOL AllWasRun(const WSKP_UNIT *Unit, const WSKP_STEP *Step, const WSKT_UNIT_RESULT *Answer)
{
    UINT64 lists = 0;

    if (Unit->ForMs != 0 || Unit->Groups != 0) {
        for (UINT32 i = 0; i < Unit->StepCount; i++) {
            if (i == 0 || Step[i].Step.Group != Step[i - 1].Step.Group)
                lists += Answer->Result[i].Executed;
            else if (Answer->Result[i].Executed != Answer->Result[i - 1].Executed)
                return FALSE;
        }
        return Answer->Completed == Unit->Parallel && Answer->FailedStep < 0 && lists >= Unit->Parallel;
    }
    for (UINT32 i = 0; i < Unit->StepCount; i++) {
        if (Answer->Result[i].Executed != (UINT64)Unit->Repeat * Unit->Parallel)
            return FALSE;
    }
    return TRUE;
}

BOOL StepIsExpected(const WSKP_UNIT *Unit, const WSKP_STEP *Step, const WSKT_UNIT_RESULT *Answer,
                    UINT32 Index)
{
    const WSKT_RESULT *result = &Answer->Result[Index];

    if (!OriginIsExpected(&Step[Index].Step, result) || !StatusIsExpected(&Step[Index].Step, result))
        return FALSE;
    for (UINT32 i = 0; i < Step[Index].CheckCount; i++) {
        if (!CheckHolds(&Step[Index].Check[i], result))
            return FALSE;
    }
    if (AllWasRun(Unit, Step, Answer))
        return TRUE;
    /* Without a step to blame the whole unit is short of runs: its last step answers for that. */
    return Answer->FailedStep >= 0 ? (UINT32)Answer->FailedStep != Index : Index + 1 < Unit->StepCount;
}
