/* performend.c - what the steps of a case have left at work, and how it is ended. */
#include "perform.h"

#define TIDY_POLL_MS 5u
#define TIDY_MS      5000u /* for the requests that a case has left, and once more for its handles */

BOOL PerformerHangs(const PERFORMER *Performer, const WSKT_STEP *Step)
{
    const ACTOR *actor = Step->Op == WSKT_OP_JOIN ? Performer->Actor[Step->Arg[0]] : Performer->Late;

    return actor == NULL || !ActorRequests(actor);
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
