/* looprun.h - a loop while it runs: for loop.c, which its owner calls, and loopthread.c, where its threads
 * are. */
#pragma once

#include "choice.h"
#include "loop.h"
#include "stepstats.h"

typedef struct LOOP_RUN LOOP_RUN;

typedef struct LOOP_THREAD {
    SRWLOCK Lock; /* nobody else wants it before the end; it guards the thread's counts as well */
    _Guarded_by_(Lock) UINT32 Step; /* where it is in the list, for saying where it is stuck */
    _Guarded_by_(Lock) UINT32 Iteration;
    _Guarded_by_(Lock) BOOL Finished;
    _Guarded_by_(Lock) BOOL Whole; /* all its repetitions were as expected */
    DEVICE_REQUEST Request;
} LOOP_THREAD;

/* The runs of one step, on one thread or on all. */
typedef struct LOOP_STATS {
    STEP_STATS Step;
    CAPTURE Kept; /* of the run that is its result */
} LOOP_STATS;

struct LOOP_RUN {
    _Interlocked_ volatile LONG References; /* the owner and each thread: the last one frees */
    _Interlocked_ volatile LONG Running;    /* threads that have not finished */
    _Interlocked_ volatile LONG NextThread;
    _Interlocked_ volatile LONG Stop; /* a step was not as expected: threads end after their current list */
    _Interlocked_ volatile LONG Cancelled; /* likewise, and nothing that comes now is a failure */
    HANDLE Finished;                       /* an event */
    UINT64 Deadline;                       /* on NowNs, and so are these two: */
    UINT64 NoMoreAfter;                    /* no list begins after it; 0 if only Repeat counts … */
    UINT64 NotEven;                        /* … but until then each choice gets its turn */
    _Interlocked_ volatile LONG Due;       /* choices that did not have theirs */
    _Interlocked_ volatile LONG Had[WSKT_MAX_STEPS];
    const PLAN *Plan; /* lives as long as the process */
    const WSKP_BATCH *Batch;
    const WSKP_STEP *Step; /* the batch's first */
    CHOICE Choice;
    HANDLES Handles;
    LOOP_STATS *Stats; /* StepCount for each thread, and once more for all of them */
    LOOP_THREAD Thread[WSKT_MAX_PARALLEL];
    SRWLOCK Lock; /* for what failed first */
    _Guarded_by_(Lock) INT32 FailedStep;
    _Guarded_by_(Lock) UINT32 FailedThread;
    _Guarded_by_(Lock) UINT32 FailedIteration;
};

LOOP_STATS *LoopStats(const LOOP_RUN *Run, UINT32 Thread, UINT32 Step);

/* The first deviation is the one that is reported. */
void LoopNoteFailure(LOOP_RUN *Run, UINT32 Thread, UINT32 Iteration, UINT32 Step);

/* Counts a run of a step. Kept, its output, is taken where the run is the one that is reported. */
void LoopNoteRun(LOOP_RUN *Run, UINT32 Thread, UINT32 Step, const WSKT_RESULT *Result, BOOL Expected,
                 CAPTURE *Kept);

/* Adds some stats to others, with the output that belongs to it. */
void LoopMerge(LOOP_STATS *Into, LOOP_STATS *From);

/* Gives up a reference to it: the last one frees it. */
void LoopRelease(LOOP_RUN *Run);

/* A thread of it: takes the next number, and runs all repetitions of it. */
DWORD WINAPI LoopThread(void *Parameter);
