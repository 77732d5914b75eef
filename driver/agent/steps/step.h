/*
 * step.h - the steps that the agent executes itself. Each kind of them is a row, in the file that has its
 * functions; stepkinds.c lists the rows. What each takes is in wskplan.h.
 */
#pragma once

#include "device.h"
#include "devicerequest.h"
#include "folders.h"
#include "plan.h"
#include "program.h"

typedef struct TASK TASK;

typedef enum OUTPUT { OUTPUT_OUT, OUTPUT_ERR, OUTPUT_REPORT, OUTPUT_COUNT } OUTPUT;

/* One step while it is executed. In a loop it has Step, Plan, Words, File, Request and Result, and no more.
 */
typedef struct STEP_RUN {
    const WSKT_STEP *Step;
    const PLAN *Plan; /* lives as long as the process */
    WORDS Words;
    const WSKT_BATCH *AtStart; /* what DriverEntry is to run, of AtStartBytes; NULL: nothing */
    DWORD AtStartBytes;
    FOLDERS Folders;
    const wchar_t *Journal; /* of the run, and lives as long as the process */
    UINT64 SinceMs;         /* how long ago the case began */
    HANDLE Begun;      /* to be set when what the step does is under way; of steps that may have a thread */
    HANDLE Cancel;     /* an event, of steps that run a program: it is to be ended. NULL: nobody does that */
    HANDLE Over;       /* likewise, when the case is over */
    DEVICE_FILE *File; /* of the step's handle, where it has one: what it opens, uses or closes */
    DEVICE_REQUEST *Request; /* of a step that makes one: there it can be cancelled */
    TASK *Target;            /* whose request it is to cancel: a reference */
    DEVICE *Device;          /* that it has opened */
    WSKT_RESULT *Result;
    CAPTURE Kept[OUTPUT_COUNT]; /* Data is the caller's to free */
} STEP_RUN;

/* What else is so of a kind of steps. */
typedef enum STEP_TRAIT {
    STEP_ON_THREADS = 0x1,   /* it may be started on a thread, and sets Begun there */
    STEP_IN_LOOPS = 0x2,     /* it may run in a loop, on several threads side by side */
    STEP_WAITS_LONG = 0x4,   /* it may take WSKP_MAX_WAIT_MS, all others WSKT_MAX_WAIT_MS */
    STEP_REQUESTS = 0x8,     /* it makes a request to a device, which is cancelled with the case */
    STEP_PROGRAM = 0x10,     /* it runs a program, which is ended with the case */
    STEP_OPENS = 0x20,       /* it opens its handle, or … */
    STEP_CLOSES = 0x40,      /* … closes it, and whatever becomes of the step, nobody else uses it again */
    STEP_STOPS = 0x80,       /* it stops the driver, which can't go while its device is open */
    STEP_UNLOADS = 0x100,    /* the driver is not loaded behind it, unless it fails */
    STEP_LOADS = 0x200,      /* the driver is loaded behind it, unless it fails */
    STEP_STARTS = 0x400,     /* it starts the driver once, and can have DriverEntry run steps */
    STEP_REBOOTS = 0x800,    /* it reboots the guest: restart.c executes it */
    STEP_AWAITS = 0x1000,    /* it waits for the task of a thread: executor.c executes it */
    STEP_JOINS = 0x2000,     /* likewise, and takes over what the task has come to */
    STEP_ON_TARGET = 0x4000, /* it is about the request of a task */
} STEP_TRAIT;

#define STEP_ANY_TEXTS MAXUINT32

/* A row. Functions that are NULL have nothing to do, or to refuse. */
typedef struct STEP_KIND {
    UINT32 Op;
    BOOL (*Is)(const WSKT_STEP *Step); /* of operations of which there is more than one kind */
    UINT32 (*Execute)(STEP_RUN *Run);  /* returns the step's status, and leaves values and outputs in Run */
    BOOL (*Fits)(const WSKT_STEP *Step, WORDS Words);      /* are these arguments and texts that it takes? */
    BOOL (*Handle)(const WSKT_STEP *Step, UINT32 *Handle); /* which handle it is about; FALSE: none */
    void (*Prepare)(WSKT_STEP *Step, DEVICE *Device);      /* before it is started, while there is a device */
    UINT64 ArgMax[WSKT_MAX_ARGS]; /* what its arguments are at most; 0: Fits says, or whatever they are */
    UINT32 TextsMin, TextsMax;
    UINT32 Traits;
} STEP_KIND;

/* NULL: it is none that the agent knows. */
const STEP_KIND *StepKindOf(const WSKT_STEP *Step);

/* Is it a step of the agent with one of these traits? */
BOOL StepIs(const WSKT_STEP *Step, UINT32 Traits);

/* Is it a step of the agent, with a time, a thread, texts and arguments that it takes? */
BOOL StepFits(const WSKT_STEP *Step, WORDS Words);
