/*
 * genericeventlog.c - the step that waits for a line of an event log.
 */
#include "eventlog.h"
#include "step.h"
#include "status.h"

#include <stdlib.h>

static UINT32 DoEventLog(STEP_RUN *Run)
{
    wchar_t *channel = WordsNextWide(&Run->Words), *conditions = WordsNextWide(&Run->Words);
    wchar_t *text = WordsNextWide(&Run->Words);
    CAPTURE *kept = &Run->Kept[OUTPUT_OUT];
    DWORD error = ERROR_NOT_ENOUGH_MEMORY;

    kept->Room = WSKP_GENERIC_BYTES;
    kept->Data = malloc(kept->Room);
    if (channel != NULL && conditions != NULL)
        error = EventLogAwait(channel, conditions, text, Run->SinceMs, (UINT32)Run->Step->Arg[0], kept);
    free(channel);
    free(conditions);
    free(text);
    return error == ERROR_TIMEOUT ? STATUS_TIMEOUT_VALUE : StatusOfWin32(error);
}

const STEP_KIND EventLogStep = {.Op = WSKP_OP_EVENT_LOG,
                                .Execute = DoEventLog,
                                .ArgMax = {WSKT_MAX_WAIT_MS},
                                .TextsMin = 2,
                                .TextsMax = 3};
