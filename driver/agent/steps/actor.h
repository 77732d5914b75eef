/*
 * actor.h - threads that perform the agent's steps. A step may wait for the driver, and the driver for
 * something that only happens later, or never: so each has a thread that can be given up.
 */
#pragma once

#include "device.h"
#include "generic.h"
#include "plan.h"

typedef struct ACTOR ACTOR;

/* What a thread works on: its own copy, which goes with it should it be given up. */
typedef struct ACT {
    const PLAN *Plan; /* lives as long as the process */
    WSKT_STEP Step;
    UINT32 StepsBytes;                                    /* of Steps, 0: none */
    UINT64 Steps[DEVICE_UNIT_BYTES / sizeof(UINT64) + 1]; /* a WSKT_UNIT for DriverEntry */
    WSKT_RESULT Result;
    DEVICE *Device; /* that it has opened */
    WORDS Words;    /* of a generic step, and so is what follows */
    FOLDERS Folders;
    const wchar_t *Journal; /* of the run, and lives as long as the process */
    UINT64 SinceMs;
    HANDLE Cancel, Over; /* as in GENERIC; the process's, and the performer's */
    CAPTURE Kept[OUTPUT_COUNT];
    DEVICE_FILE File; /* of the step's handle; the act's own where it opens or closes it */
    BOOL OwnsFile;
    DEVICE_REQUEST Request; /* that it makes */
    ACTOR *Target;          /* whose request it is to cancel; held */
    HANDLE Begun;           /* an event of the actor's: set by a routine when what it does is under way */
} ACT;

/* Fills in Act->Result: Status, Value and, where it is not WSKT_ORIGIN_CALL, Origin. */
typedef void ACT_ROUTINE(ACT *Act);

/* A time that only goes up. */
UINT64 NowNs(void);

/* Starts a thread on a copy of Act. NULL where there is no memory for it, or no thread. */
ACTOR *ActorStart(ACT_ROUTINE *Routine, const ACT *Act);

/* The operation of its step. */
UINT32 ActorOp(const ACTOR *Actor);

/* Waits for the routine to have begun, or to be back. */
void ActorAwaitBegun(ACTOR *Actor, UINT32 Ms);

/* What the routine has left, once it is back; NULL if it is not within Ms. */
ACT *ActorAwait(ACTOR *Actor, UINT32 Ms);

/* Another holder of it, who lets go of it as its owner does. */
ACTOR *ActorHold(ACTOR *Actor);

/*
 * Cancels the request to a device that the actor's routine makes, or is about to make. ERROR_NOT_FOUND: it
 * has made none within Ms, or is back from it.
 */
DWORD ActorCancel(ACTOR *Actor, UINT32 Ms);

/* Has its routine made a request to a device, or is it about to? */
BOOL ActorRequests(const ACTOR *Actor);

/* Lets go of the actor, and of a device that nobody has taken; a thread that is not back keeps its copy. */
void ActorLeave(ACTOR *Actor);
