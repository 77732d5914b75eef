/* performend.c - what the steps of a case have left at work, and how it is ended. */
#include "perform.h"

#define END_PROGRAMS_MS 30000u
#define TIDY_POLL_MS    5u
#define TIDY_MS         5000u /* for the requests that a case has left, and once more for its handles */

void PerformerEndPrograms(PERFORMER *Performer)
{
    UINT64 deadline = GetTickCount64() + END_PROGRAMS_MS;

    if (Performer->Over == NULL)
        return;
    SetEvent(Performer->Over);
    for (UINT32 i = 0; i < WSKT_MAX_THREADS; i++) {
        UINT64 now = GetTickCount64();

        if (Performer->Actor[i] != NULL && ActorOp(Performer->Actor[i]) == WSKP_OP_RUN)
            (void)ActorAwait(Performer->Actor[i], now < deadline ? (UINT32)(deadline - now) : 0);
    }
    ResetEvent(Performer->Over);
}

BOOL PerformerHangs(const PERFORMER *Performer, const WSKT_STEP *Step)
{
    const ACTOR *actor = Step->Op == WSKT_OP_JOIN ? Performer->Actor[Step->Arg[0]] : Performer->Late;

    return actor == NULL || (!ActorRequests(actor) && ActorOp(actor) != WSKP_OP_RUN);
}

/* Cancels the request that is out on a thread, or about to be. FALSE: there is none, or it is back. */
static BOOL StillOut(ACTOR *Actor)
{
    if (Actor == NULL || !ActorRequests(Actor) || ActorAwait(Actor, 0) != NULL)
        return FALSE;
    (void)ActorCancel(Actor, 0);
    return TRUE;
}

void PerformerTidy(PERFORMER *Performer)
{
    UINT64 deadline = GetTickCount64() + TIDY_MS;
    BOOL out;

    for (;;) {
        out = StillOut(Performer->Late);
        for (UINT32 i = 0; i < WSKT_MAX_THREADS; i++)
            out = StillOut(Performer->Actor[i]) || out;
        if (!out || GetTickCount64() >= deadline)
            break;
        Sleep(TIDY_POLL_MS);
    }
    if (!HandlesClose(&Performer->Handles, TIDY_MS))
        Performer->Lost++;
}

UINT32 PerformerBusy(const PERFORMER *Performer)
{
    UINT32 busy = Performer->Lost;

    for (UINT32 i = 0; i < WSKT_MAX_THREADS; i++) {
        if (Performer->Actor[i] != NULL && ActorAwait(Performer->Actor[i], 0) == NULL)
            busy++;
    }
    if (Performer->Late != NULL && ActorAwait(Performer->Late, 0) == NULL)
        busy++;
    return busy;
}

void PerformerForget(PERFORMER *Performer)
{
    for (UINT32 i = 0; i < WSKT_MAX_THREADS; i++) {
        ActorLeave(Performer->Actor[i]);
        Performer->Actor[i] = NULL;
    }
    ActorLeave(Performer->Late);
    Performer->Late = NULL;
}
