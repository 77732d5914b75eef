/* caselog.h - one case while it runs, and what the journal is told of it. */
#pragma once

#include "cases.h"
#include "start.h"
#include "wskjudge.h"

/* Why a case ended; with the last two it has not. */
typedef enum WHY {
    WHY_DONE,
    WHY_DEVIATION,
    WHY_TIMEOUT,
    WHY_HANG,
    WHY_CANCELLED,
    WHY_IO,
    WHY_REBOOT,
    WHY_LEASE,
    WHY_UNREADY /* the set-up of its suite was not as expected */
} WHY;

/* One case while it runs. */
typedef struct CASE_RUN {
    const WSKP_CASE *Case;
    UINT32 Index;
    UINT32 Ran;       /* steps that are back */
    UINT32 FirstStep; /* of the batch that is running, within the case */
    UINT64 Begin;     /* in ms of the journal, and so is the next */
    UINT64 Deadline;  /* of the batches that run now */
    DWORD IoError;    /* with WHY_IO */
    BOOL ResidueKnown;
    WSKT_RESET_OUT Residue;
    UINT32 NotUndone;   /* changes in the guest that could not be undone */
    const char *Driver; /* what the service of an external driver is doing at the end */
    UINT32 UnderFirst;  /* the steps that were under way and are not back … */
    UINT32 UnderCount;  /* … 0: none was */
    DWORD Changes;      /* what was noted to be undone when it began: UndoMark */
    BOOL Unhealthy;     /* its health check was not as expected */
    WSKT_KEPT Kept;     /* what its steps reported that later ones take; nothing outlives the driver */
    START Back;         /* Why is not NULL: the driver did not start again after the case */
} CASE_RUN;

/*
 * Writes the steps of a batch that were run, and counts them; FALSE if one was not as expected. Kept, which
 * may be NULL, has an output of each, which comes before it, and is freed.
 */
BOOL WriteSteps(CASES *Cases, CASE_RUN *Run, const WSKP_BATCH *Batch, const WSKT_BATCH_RESULT *Answer,
                CAPTURE *Kept);

/* The case ends in a batch of so many steps, of which none is back. */
WHY EndsIn(CASE_RUN *Run, UINT32 StepCount, WHY Why);

/* It ends in a batch that is back and not as expected: since its time, which was less than the batch's, was
 * up?
 */
WHY EndsDeviating(CASE_RUN *Run, const WSKP_BATCH *Batch, const WSKT_BATCH_RESULT *Answer, UINT32 TimeoutMs);

void WriteCaseStart(CASES *Cases, const CASE_RUN *Run);
void WriteCaseEnd(CASES *Cases, const CASE_RUN *Run, WHY Why);
