/* caseagent.h - one batch of a case, run by the agent itself. */
#pragma once

#include "caselog.h"

/* Both write what the steps came to: of a loop, and of a batch that is one step. */
WHY RunLoop(CASES *Cases, CASE_RUN *Run, const WSKP_BATCH *Batch, UINT32 TimeoutMs);
WHY RunAgentStep(CASES *Cases, CASE_RUN *Run, UINT32 Index);

/* Writes a step of the agent that is back. */
WHY WriteAgentStep(CASES *Cases, CASE_RUN *Run, const WSKP_BATCH *Batch, const WSKT_RESULT *Result);
