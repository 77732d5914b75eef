/*
 * wskjudge.h - whether a result is what its step expects. The driver asks after each run of a step, the
 * agent of the one that the driver reports, and package suites asks once more.
 */
#pragma once

#include "wskabi.h"

#define WSKT_SUCCESS 0u     /* STATUS_SUCCESS */
#define WSKT_PENDING 0x103u /* STATUS_PENDING */

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
    case WSKT_VALUE_ELAPSED_NS:
        return Result->ElapsedNs;
    case WSKT_VALUE_MAX_NS:
        return Result->MaxNs;
    default:
        return Check->Value < WSKT_MAX_VALUES ? Result->Value[Check->Value] : 0;
    }
}

static inline BOOLEAN WsktCheckHolds(const WSKT_CHECK *Check, const WSKT_RESULT *Result)
{
    UINT64 value = WsktValue(Check, Result);

    switch (Check->Compare) {
    case WSKT_EQ:
        return value == Check->Want;
    case WSKT_NE:
        return value != Check->Want;
    case WSKT_GE:
        return value >= Check->Want;
    case WSKT_LE:
        return value <= Check->Want;
    default:
        return (value & Check->Want) == Check->Want;
    }
}

/* The step's counts are within their limits: the caller has checked that. */
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
