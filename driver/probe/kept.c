/* kept.c - what steps of a case have reported, for later ones to take. */
#include "kept.h"
#include "wskjudge.h"

static WSKT_KEPT Kept;
static KSPIN_LOCK KeptLock; /* for it: the steps that take values may be on any thread */

VOID KeptInitialize(VOID) { KeInitializeSpinLock(&KeptLock); }

VOID KeptStore(const WSKT_STEP *Step, const WSKT_RESULT *Result)
{
    KIRQL irql;

    if (Step->Keep == 0) {
        return;
    }
    KeAcquireSpinLock(&KeptLock, &irql);
    WsktKeep(&Kept, Step, Result);
    if (DEFECT(TAKEN_WRONG)) {
        Kept.Value[Step->Keep - 1][WSKT_V_QUERY_HIGH]--;
    }
    KeReleaseSpinLock(&KeptLock, irql);
}

static BOOLEAN Takes(const WSKT_STEP *Step)
{
    BOOLEAN takes = Step->From != 0;

    for (UINT32 i = 0; i < Step->CheckCount && i < WSKT_MAX_CHECKS; i++) {
        takes = takes || Step->Check[i].From != 0;
    }
    return takes;
}

BOOLEAN KeptTake(WSKT_STEP *Step)
{
    BOOLEAN known;
    KIRQL irql;

    if (!Takes(Step)) {
        return TRUE; /* as nearly all, which need no lock in common */
    }
    KeAcquireSpinLock(&KeptLock, &irql);
    known = WsktTakeAll(&Kept, Step);
    KeReleaseSpinLock(&KeptLock, irql);
    return known;
}

VOID KeptForget(VOID)
{
    KIRQL irql;

    KeAcquireSpinLock(&KeptLock, &irql);
    Kept.Known = 0;
    KeReleaseSpinLock(&KeptLock, irql);
}
