/* actor.c - threads that perform the agent's steps. */
#include "actor.h"

#include <stdlib.h>

struct ACTOR {
    LONG Holders; /* the owner, the thread, and who is to cancel what it does: the last one frees */
    ACT_ROUTINE *Routine;
    HANDLE Thread;
    ACT Act;
};

static void LetGoOfActor(ACTOR *Actor)
{
    if (InterlockedDecrement(&Actor->Holders) != 0)
        return;
    DeviceClose(Actor->Act.Device);
    if (Actor->Act.OwnsFile && Actor->Act.File.Handle != NULL)
        CloseHandle(Actor->Act.File.Handle);
    ActorLeave(Actor->Act.Target);
    FoldersFree(&Actor->Act.Folders);
    for (size_t i = 0; i < OUTPUT_COUNT; i++)
        free(Actor->Act.Kept[i].Data);
    CloseHandle(Actor->Thread);
    CloseHandle(Actor->Act.Begun);
    free(Actor);
}

UINT64 NowNs(void)
{
    LARGE_INTEGER now, frequency;

    QueryPerformanceFrequency(&frequency);
    QueryPerformanceCounter(&now);
    /* In two parts, since the product could overflow. */
    return (UINT64)(now.QuadPart / frequency.QuadPart) * 1000000000u +
           (UINT64)(now.QuadPart % frequency.QuadPart) * 1000000000u / (UINT64)frequency.QuadPart;
}

static DWORD WINAPI ActorThread(void *Parameter)
{
    ACTOR *actor = Parameter;
    WSKT_RESULT *result = &actor->Act.Result;
    UINT64 begin = NowNs();

    actor->Routine(&actor->Act);
    result->ElapsedNs = NowNs() - begin;
    result->MaxNs = result->ElapsedNs;
    result->Executed = 1;
    LetGoOfActor(actor);
    return 0;
}

ACTOR *ActorStart(ACT_ROUTINE *Routine, const ACT *Act)
{
    ACTOR *actor = calloc(1, sizeof *actor);

    if (actor == NULL)
        return NULL;
    actor->Routine = Routine;
    actor->Act = *Act;
    actor->Holders = 2;
    actor->Act.Begun = CreateEventW(NULL, TRUE, FALSE, NULL);
    if (actor->Act.Begun != NULL)
        actor->Thread = CreateThread(NULL, 0, ActorThread, actor, 0, NULL);
    if (actor->Thread != NULL)
        return actor;
    if (actor->Act.Begun != NULL)
        CloseHandle(actor->Act.Begun);
    free(actor);
    return NULL;
}

UINT32 ActorOp(const ACTOR *Actor)
{
    return Actor->Act.Step.Op;
}

void ActorAwaitBegun(ACTOR *Actor, UINT32 Ms)
{
    HANDLE either[] = {Actor->Act.Begun, Actor->Thread};

    (void)WaitForMultipleObjects(ARRAYSIZE(either), either, FALSE, Ms);
}

ACT *ActorAwait(ACTOR *Actor, UINT32 Ms)
{
    return WaitForSingleObject(Actor->Thread, Ms) == WAIT_OBJECT_0 ? &Actor->Act : NULL;
}

void ActorLeave(ACTOR *Actor)
{
    if (Actor != NULL)
        LetGoOfActor(Actor);
}

ACTOR *ActorHold(ACTOR *Actor)
{
    InterlockedIncrement(&Actor->Holders);
    return Actor;
}

DWORD ActorCancel(ACTOR *Actor, UINT32 Ms)
{
    UINT64 deadline = GetTickCount64() + Ms;
    DWORD error;

    for (;;) {
        error = RequestCancel(&Actor->Act.Request, Actor->Thread);
        if (error != ERROR_NOT_FOUND || GetTickCount64() >= deadline ||
            WaitForSingleObject(Actor->Thread, 1) == WAIT_OBJECT_0)
            return error;
    }
}

BOOL ActorRequests(const ACTOR *Actor)
{
    switch (Actor->Act.Step.Op) {
    case WSKP_OP_IOCTL:
    case WSKP_OP_READ:
    case WSKP_OP_WRITE:
        return TRUE;
    default:
        return FALSE;
    }
}
