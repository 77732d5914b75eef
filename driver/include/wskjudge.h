/*
 * wskjudge.h - what a step takes from those before it, and whether a result is what its step expects. The
 * driver asks after each run of a step, the agent of the one that the driver reports, and package suites asks
 * once more.
 */
#pragma once

#include "wskabi.h"

#define WSKT_SUCCESS 0u     /* STATUS_SUCCESS */
#define WSKT_PENDING 0x103u /* STATUS_PENDING */

/* What steps of a case have reported, by their Keep less 1. */
typedef struct WSKT_KEPT {
    UINT32 Known; /* bit n: Value[n] is a step's */
    UINT64 Value[WSKT_MAX_KEPT][WSKT_MAX_VALUES];
} WSKT_KEPT;

static inline BOOLEAN WsktFromIsSound(UINT16 From)
{
    return From == 0 || (WSKT_FROM_KEPT(From) >= 1 && WSKT_FROM_KEPT(From) <= WSKT_MAX_KEPT &&
                         WSKT_FROM_VALUE(From) < WSKT_MAX_VALUES);
}

/* Whether the step names only values that there can be. Its counts are within their limits. */
static inline BOOLEAN WsktTakesSoundly(const WSKT_STEP *Step)
{
    BOOLEAN sound =
        Step->Keep <= WSKT_MAX_KEPT && WsktFromIsSound(Step->From) && Step->FromArg < WSKT_MAX_ARGS;

    for (UINT32 i = 0; i < Step->CheckCount; i++) {
        sound = sound && WsktFromIsSound(Step->Check[i].From);
    }
    return sound;
}

/* Keeps what a step that was as expected has reported, if later ones take it. */
static inline void WsktKeep(WSKT_KEPT *Kept, const WSKT_STEP *Step, const WSKT_RESULT *Result)
{
    if (Step->Keep == 0 || Step->Keep > WSKT_MAX_KEPT || Result->Origin != WSKT_ORIGIN_CALL) {
        return;
    }
    for (UINT32 i = 0; i < WSKT_MAX_VALUES; i++) {
        Kept->Value[Step->Keep - 1][i] = Result->Value[i];
    }
    Kept->Known |= 1u << (Step->Keep - 1);
}

static inline BOOLEAN WsktTake(const WSKT_KEPT *Kept, UINT16 *From, UINT64 *Number)
{
    if (*From == 0) {
        return TRUE;
    }
    if (!WsktFromIsSound(*From) || (Kept->Known & (1u << (WSKT_FROM_KEPT(*From) - 1))) == 0) {
        return FALSE;
    }
    *Number = Kept->Value[WSKT_FROM_KEPT(*From) - 1][WSKT_FROM_VALUE(*From)];
    *From = 0;
    return TRUE;
}

/*
 * Puts what earlier steps have reported where Step takes it. FALSE where one of them is not known: then some
 * From stays, and nothing that the step could report is as expected.
 */
static inline BOOLEAN WsktTakeAll(const WSKT_KEPT *Kept, WSKT_STEP *Step)
{
    BOOLEAN known = Step->FromArg < WSKT_MAX_ARGS && WsktTake(Kept, &Step->From, &Step->Arg[Step->FromArg]);

    for (UINT32 i = 0; i < Step->CheckCount; i++) {
        known = WsktTake(Kept, &Step->Check[i].From, &Step->Check[i].Want) && known;
    }
    return known;
}

/* How a result compares with its step. */
typedef enum WSKT_VERDICT {
    WSKT_DEVIATES,
    WSKT_EXPECTED,
    WSKT_EXPECTED_NEXT, /* with one of the statuses that end the list */
} WSKT_VERDICT;

/*
 * A recorded step may also have been refused by the driver (a release after a capture that gave
 * nothing); a step that has not come back is never as expected.
 */
static inline BOOLEAN WsktOriginExpected(const WSKT_STEP *Step, const WSKT_RESULT *Result)
{
    UINT32 usual = Step->Thread != 0 ? WSKT_ORIGIN_ASYNC : WSKT_ORIGIN_CALL;

    return Result->Origin == usual ||
           ((Step->Flags & WSKT_STEP_RECORD) != 0 && Result->Origin == WSKT_ORIGIN_REFUSED);
}

static inline UINT64 WsktValue(const WSKT_CHECK *Check, const WSKT_RESULT *Result)
{
    switch (Check->Value) {
    case WSKT_VALUE_ELAPSED_NS: return Result->ElapsedNs;
    case WSKT_VALUE_MAX_NS: return Result->MaxNs;
    default: return Check->Value < WSKT_MAX_VALUES ? Result->Value[Check->Value] : 0;
    }
}

static inline BOOLEAN WsktCheckHolds(const WSKT_CHECK *Check, const WSKT_RESULT *Result)
{
    UINT64 value = WsktValue(Check, Result);

    if (Check->From != 0) {
        return FALSE; /* what it wants is not known */
    }
    switch (Check->Compare) {
    case WSKT_EQ: return value == Check->Want;
    case WSKT_NE: return value != Check->Want;
    case WSKT_GE: return value >= Check->Want;
    case WSKT_LE: return value <= Check->Want;
    default: return (value & Check->Want) == Check->Want;
    }
}

/* The step's counts are within their limits, and it has taken all (WsktTakeAll): the caller has seen to that.
 */
static inline WSKT_VERDICT WsktJudge(const WSKT_STEP *Step, const WSKT_RESULT *Result)
{
    UINT32 usual = Step->Thread != 0 ? WSKT_PENDING : WSKT_SUCCESS;
    UINT32 at = 0; /* which of Expect it is */

    if (!WsktOriginExpected(Step, Result)) {
        return WSKT_DEVIATES;
    }
    if ((Step->Flags & WSKT_STEP_RECORD) != 0) {
        return WSKT_EXPECTED;
    }
    if (Step->ExpectCount == 0 && Result->Status != usual) {
        return WSKT_DEVIATES;
    }
    while (at < Step->ExpectCount && Step->Expect[at] != Result->Status) {
        at++;
    }
    if (Step->ExpectCount != 0 && at == Step->ExpectCount) {
        return WSKT_DEVIATES;
    }
    if (Step->NextCount != 0 && at + Step->NextCount >= Step->ExpectCount) {
        return WSKT_EXPECTED_NEXT; /* of what such a call reports nothing is demanded */
    }
    for (UINT32 i = 0; i < Step->CheckCount; i++) {
        if (!WsktCheckHolds(&Step->Check[i], Result)) {
            return WSKT_DEVIATES;
        }
    }
    return WSKT_EXPECTED;
}
