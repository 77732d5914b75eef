/*
 * generic.h - the steps that need nothing of a driver but that it is one: files, programs, requests to a
 * device, lines of an event log. What each takes is in wskplan.h.
 */
#pragma once

#include "folders.h"
#include "program.h"
#include "words.h"
#include "wskplan.h"

typedef enum OUTPUT { OUTPUT_OUT, OUTPUT_ERR, OUTPUT_REPORT, OUTPUT_COUNT } OUTPUT;

/* One step while it is performed. */
typedef struct GENERIC {
    const WSKT_STEP *Step;
    WORDS Words;
    FOLDERS Folders;
    UINT64 SinceMs; /* how long ago the case began */
    HANDLE Begun;   /* to be set when what the step does is under way; of steps that may have a thread */
    WSKT_RESULT *Result;
    CAPTURE Kept[OUTPUT_COUNT]; /* Data is the caller's to free */
} GENERIC;

/* Is it such an operation, with texts and arguments that it takes? */
BOOL GenericKnows(const WSKT_STEP *Step, WORDS Words);

/* Performs it: Status and Value of the result, and what was kept. */
void GenericPerform(GENERIC *Generic);
