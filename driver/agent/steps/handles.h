/* handles.h - the devices that a case has open, by number. */
#pragma once

#include "step.h"

typedef struct HANDLES {
    DEVICE_FILE File[WSKP_MAX_HANDLES];
} HANDLES;

/* Is the handle there if the step wants it, and not if it opens it? */
BOOL HandleFits(const STEP_KIND *Kind, const DEVICE_FILE *File);

/*
 * Closes all that are open, on a thread that can be given up: a driver may not come back from that. FALSE: it
 * has not within Ms. None is open afterwards.
 */
BOOL HandlesClose(HANDLES *Handles, UINT32 Ms);
