/*
 * generic.h - the steps that need nothing of a driver but that it is one: files, programs, requests to a
 * device, lines of an event log. What each takes is in wskplan.h.
 */
#pragma once

#include "devicerequest.h"
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
    const wchar_t *Journal; /* of the run */
    const wchar_t *Service; /* of the driver */
    UINT64 SinceMs;         /* how long ago the case began */
    HANDLE Begun;      /* to be set when what the step does is under way; of steps that may have a thread */
    HANDLE Cancel;     /* an event, of steps that run a program: it is to be ended. NULL: nobody does that */
    HANDLE Over;       /* likewise, when the case is over */
    DEVICE_FILE *File; /* of the step's handle, where it has one: what OPEN fills in, and CLOSE takes */
    DEVICE_REQUEST *Request; /* of a step that makes one: there it can be cancelled */
    WSKT_RESULT *Result;
    CAPTURE Kept[OUTPUT_COUNT]; /* Data is the caller's to free */
} GENERIC;

/* Is it such an operation? */
BOOL GenericHas(UINT32 Op);

/* And has it texts and arguments that it takes? */
BOOL GenericKnows(const WSKT_STEP *Step, WORDS Words);

/* Which handle it is about; FALSE: none. */
BOOL GenericHandle(const WSKT_STEP *Step, UINT32 *Handle);

/* May it run in a loop of the agent's? Its arguments are those that GenericKnows. */
BOOL GenericLoops(const WSKT_STEP *Step);

/* Performs it: Status and Value of the result, and what was kept. */
void GenericPerform(GENERIC *Generic);
