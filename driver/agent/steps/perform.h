/* perform.h - the steps of a plan that the agent performs itself: what each does to the driver. */
#pragma once

#include "actor.h"
#include "handles.h"
#include "start.h"

typedef struct PERFORMER {
    const PLAN *Plan;
    HANDLES Handles;                /* of the case */
    DEVICE *Device;                 /* NULL: the driver is not loaded, or is being unloaded */
    ACTOR *Actor[WSKT_MAX_THREADS]; /* named threads; NULL: nothing was started on it, or it was joined */
    ACTOR *Late;                    /* a request that is not back in time, and may be cancelled yet */
    UINT32 Lost;                    /* steps that did not come back */
    BOOL Unloaded;                  /* by a step of the case, and not loaded since */
    HANDLE Cancel;                  /* what is under way is to be ended; NULL: not even then */
    HANDLE Over;                    /* an event: the case is over. NULL: there is none yet */
    const wchar_t *Journal;         /* its path: beside it are the folders of cases */
    UINT32 Case;                    /* that is under way */
    UINT64 SinceMs;                 /* how long it has been */
    CAPTURE Kept[OUTPUT_COUNT];     /* what the step wrote that is back */
} PERFORMER;

/*
 * Performs a step of the agent, any but WSKP_OP_REBOOT, within its TimeoutMs. AtStart is what DriverEntry
 * is to run where the step starts the driver (NULL: nothing), StartBytes its length.
 */
void Perform(PERFORMER *Performer, const WSKP_STEP *Step, const WSKT_UNIT *AtStart, DWORD AtStartBytes,
             WSKT_RESULT *Result);

/* Is it an operation that Perform knows, or WSKP_OP_REBOOT, with arguments that it takes? */
BOOL PerformKnows(const WSKP_STEP *Step);

/* What a start is given by a step (LOAD, REBOOT). */
START_WITH PerformStartWith(const WSKT_STEP *Step, const WSKT_UNIT *AtStart, DWORD AtStartBytes);

/* Status of a start, as a step of the agent reports it. */
void PerformTellStart(const START *Start, WSKT_RESULT *Result);

/*
 * Is a step that has timed out one of which nothing can be said but that it hangs? Neither a request to a
 * device is one nor its join, nor that of a program: both are ended with the case.
 */
BOOL PerformerHangs(const PERFORMER *Performer, const WSKT_STEP *Step);

/* At the end of a case: cancels the requests that are still out, waits for them, and closes every handle.
 * Bounded.
 */
void PerformerTidy(PERFORMER *Performer);

/* Ends the programs of the case that are still at work on threads, and waits for them. */
void PerformerEndPrograms(PERFORMER *Performer);

/* Steps that are still at work, or did not come back. */
UINT32 PerformerBusy(const PERFORMER *Performer);

/* Lets go of threads that have come back, or never will. */
void PerformerForget(PERFORMER *Performer);
