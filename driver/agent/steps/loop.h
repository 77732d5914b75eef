/*
 * loop.h - a batch of the agent's steps that runs over and over, on threads side by side: what batch.c of the
 * sample is in its kernel, with the same choices, the same judgement and the same counts.
 */
#pragma once

#include "handles.h"
#include "plan.h"
#include "program.h"

typedef struct LOOP_ORDER {
    const PLAN *Plan;
    const WSKP_BATCH *Batch;
    UINT32 TimeoutMs; /* no more than the batch's */
    HANDLE Cancel;    /* an event that ends the loop, and whatever request is out in it */
    HANDLES *Handles; /* of the case: those that are open, and afterwards those that are left open */
} LOOP_ORDER;

typedef enum LOOP_END {
    LOOP_BACK,
    LOOP_CANCELLED,
    LOOP_STUCK,     /* a thread did not come back: what it has, handles too, stays its own */
    LOOP_NOT_BEGUN, /* there was no memory, or no thread, for it */
} LOOP_END;

/*
 * Runs the batch, which LoopKnows. Answer has room for all its steps, and Kept is one of each: the output of
 * the run that is reported, whose Data is the caller's to free. Neither is written where the loop was not
 * begun.
 */
LOOP_END LoopRun(const LOOP_ORDER *Order, WSKT_BATCH_RESULT *Answer, CAPTURE *Kept);

/* Is it more than a step that runs once? */
BOOL BatchLoops(const WSKP_BATCH *Batch);

/* Is it a batch that a loop of the agent can run? Its bounds were checked, and its steps will be. */
BOOL LoopKnows(const PLAN *Plan, const WSKP_BATCH *Batch);
