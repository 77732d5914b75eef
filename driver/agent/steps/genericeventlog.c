/*
 * genericeventlog.c - the step that waits for a line of an event log.
 */
#include "eventlog.h"
#include "genericsteps.h"
#include "status.h"

#include <stdlib.h>

UINT32 DoEventLog(GENERIC *Generic)
{
    wchar_t *channel = WordsNextWide(&Generic->Words), *conditions = WordsNextWide(&Generic->Words);
    wchar_t *text = WordsNextWide(&Generic->Words);
    CAPTURE *kept = &Generic->Kept[OUTPUT_OUT];
    DWORD error = ERROR_NOT_ENOUGH_MEMORY;

    kept->Room = WSKP_GENERIC_BYTES;
    kept->Data = malloc(kept->Room);
    if (channel != NULL && conditions != NULL)
        error =
            EventLogAwait(channel, conditions, text, Generic->SinceMs, (UINT32)Generic->Step->Arg[0], kept);
    free(channel);
    free(conditions);
    free(text);
    return error == ERROR_TIMEOUT ? STATUS_TIMEOUT_VALUE : StatusOfWin32(error);
}
