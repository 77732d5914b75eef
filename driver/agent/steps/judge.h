/* judge.h - compares what a batch gave with what the plan says. */
#pragma once

#include "wskplan.h"
#include "wskjudge.h"

/*
 * Is the answer of the driver to Batch well formed? What fails here is a fault of the driver, not of WSK.
 */
BOOL AnswerIsSound(const WSKP_BATCH *Batch, const WSKT_BATCH_RESULT *Answer, DWORD Bytes);

/*
 * Is step Index of the batch as expected: its origin, its status, its checks, with what it takes from the
 * steps before it (Kept)? Step points to the batch's first step. Where repetitions are missing, the step at
 * which the driver stopped is not as expected either, even if its last status would do.
 */
BOOL StepIsExpected(const WSKP_BATCH *Batch, const WSKP_STEP *Step, const WSKT_KEPT *Kept,
                    const WSKT_BATCH_RESULT *Answer, UINT32 Index);
