/*
 * wskplan.h - a compiled plan, as the controller sends it to wskagent.exe.
 *
 * One file: header, cases, batches, steps, strings. Little-endian, offsets in bytes from the start of
 * the file, strings UTF-8 and NUL-terminated in one table. A step has a executor. Of the driver's steps
 * the agent knows no meaning: it hands each batch to the driver. Its own it executes itself, since they are
 * about the driver as a whole, or about the machine. Whoever executed them, it compares statuses and
 * values with what the plan says, and stops a case at the first that differs, but for its tear-down. Package
 * suites writes this; the agent checks every bound.
 */
#pragma once

#include "wskabi.h"

#define WSKP_MAGIC   0x4E4C504Bu /* "KPLN" */
#define WSKP_VERSION 8u

#define WSKP_MAX_FILE (16u * 1024u * 1024u)

typedef struct WSKP_HEADER {
    UINT32 Magic;
    UINT32 Version;
    UINT32 Abi;
    UINT32 FileSize;
    UINT32 Crc32; /* IEEE, of the file with this field zero */
    UINT32 CaseCount;
    UINT32 CaseOffset;
    UINT32 BatchCount;
    UINT32 BatchOffset;
    UINT32 StepCount;
    UINT32 StepOffset;
    UINT32 StringBytes;
    UINT32 StringOffset;
    UINT32 RunId;      /* string offsets, relative to the string table */
    UINT32 DriverPath; /* in the guest; empty: the driver is running already */
    UINT32 ServiceName;
    UINT32 StartTimeoutMs;
    UINT32 StopTimeoutMs;
    UINT32 Flags;           /* WSKP_EXTERNAL, WSKP_NEVER_UNLOAD */
    UINT32 Settings;        /* of the service: a list of texts (settings.h), empty unless WSKP_EXTERNAL */
    UINT8 DriverSha256[32]; /* nothing is started unless the file has this hash */
} WSKP_HEADER;

/* The driver is one of the user's own: it does not speak this ABI, and all steps are the agent's. */
#define WSKP_EXTERNAL 0x1u
/* That driver is never unloaded: it is left running at the end. Only beside WSKP_EXTERNAL. */
#define WSKP_NEVER_UNLOAD 0x2u

typedef struct WSKP_CASE {
    UINT32 Name; /* string offset: suite.case */
    UINT32 FirstBatch;
    UINT32 BatchCount;
    UINT32 TimeoutMs;     /* for all batches but those of the tear-down */
    UINT32 TearDownCount; /* so many of its last batches run whatever became of those before */
    UINT32 TearDownMs;    /* for these; 0 where there are none */
    UINT32 Suite; /* from 1, of those that have a set-up or a tear-down of their own; 0: it has none */
    UINT32 Role;  /* WSKP_ROLE_* */
} WSKP_CASE;

/*
 * Of the cases of a suite with a set-up or a tear-down of its own: that set-up, which comes first in the
 * plan, the cases themselves, that tear-down, which comes last. No case runs whose suite's set-up was not as
 * expected; the tear-down runs all the same. Both have the suite's folder for their own, and its cases find
 * files there that their own folder does not have.
 */
enum {
    WSKP_ROLE_CASE = 0,
    WSKP_ROLE_SET_UP = 1,
    WSKP_ROLE_TEAR_DOWN = 2,
};

#define WSKP_MAX_SUITES 64u /* of such in one plan */

typedef struct WSKP_BATCH {
    UINT32 FirstStep;
    UINT32 StepCount;
    UINT32 Repeat;
    UINT32 Parallel;
    UINT32 ClientStride;
    UINT32 SocketStride;
    UINT32 TimeoutMs;
    UINT32 ForMs;
    UINT32 Groups;
    UINT32 Seed;
    UINT32 Flags; /* WSKP_BATCH_* */
} WSKP_BATCH;

/*
 * DriverEntry runs it, when the step of the batch before (LOAD or REBOOT) starts the driver; in its place
 * the driver is asked what came of it.
 */
#define WSKP_BATCH_AT_START 0x1u
/* A health check: where its step is not as expected, no case runs on what this one has left. In a tear-down
 * only. */
#define WSKP_BATCH_HEALTH 0x2u
#define WSKP_BATCH_FLAGS  0x3u

/* Who executes a step: WSKP_STEP.Executor. Steps of the agent have a batch each, which runs once. */
enum {
    WSKP_BY_DRIVER = 0,
    WSKP_BY_AGENT = 1,
};

/*
 * Operations of the agent: WSKT_STEP.Op. WSKT_OP_BLOCKED and WSKT_OP_JOIN are the agent's, too, where
 * their thread is one of its own: those are numbered like the driver's, and apart from them. So is
 * WSKT_OP_CANCEL, of a request that is out on such a thread, or of all on a handle. Context and
 * Group mean nothing here. Status is an NTSTATUS: what DriverEntry left, where it left something, else
 * the Win32 error in the facility that is made for that (WSKP_STATUS_OF_WIN32).
 */
enum {
    WSKP_OP_UNLOAD = 100,   /* stops the driver's service */
    WSKP_OP_LOAD = 101,     /* starts it: failure to inject (0: none), WSKP_START_* */
    WSKP_OP_RELOAD = 102,   /* unloads and loads: how often; texts: tags of the pool that is looked at */
    WSKP_OP_REBOOT = 103,   /* the guest: failure to inject, WSKP_START_*, start type of the driver
                               (SERVICE_BOOT_START to SERVICE_DEMAND_START), readiness of the provider: ms from
                               its first use and 1, or 0; ms to wait for the driver once the guest is up */
    WSKP_OP_UNLOADED = 104, /* what the driver left when it was unloaded last */
    WSKP_OP_START_FAILURES =
        105,            /* starts the driver with each call failing that can: WSKP_START_* in Arg[1] */
    WSKP_OP_ECHO = 106, /* talks to the echo server: bytes, connections, WSKP_ECHO_* */
};

#define WSKP_STATUS_OF_WIN32(Win32)                                                                          \
    (0xC0070000u | (Win32)) /* NTSTATUS_FROM_WIN32, for errors below 65536                                   \
                             */

/* WSKP_OP_LOAD, WSKP_OP_REBOOT, Arg[1] */
#define WSKP_START_ACTIVATE 0x1u /* DriverEntry activates the sub-component itself */

/*
 * WSKP_OP_ECHO, Arg[2]. UNTIL_CLOSED goes on until the server closes; on a thread, the step is back once
 * every connection has had its first round. IDLE sends nothing after that, and only waits.
 */
#define WSKP_ECHO_UNTIL_CLOSED 0x1u
#define WSKP_ECHO_IDLE         0x2u
#define WSKP_ECHO_PROGRAM      0x4u /* by a process of its own */
#define WSKP_ECHO_OPTIONS      0x7u
#define WSKP_ECHO_BYTES        65536u /* most, in one round */
#define WSKP_ECHO_CONNECTIONS  32u

/* Meaning of WSKT_RESULT.Value by operation of the agent. */
enum { /* UNLOAD, UNLOADED, RELOAD: of WSKT_UNLOAD; of several unloads, the sums and the longest time */
       WSKP_V_UNLOAD_DEREGISTRATIONS = 0,
       WSKP_V_UNLOAD_DEREGISTER_NS = 1,
       WSKP_V_UNLOAD_BLOCKS = 2,
       WSKP_V_UNLOAD_SOCKETS = 3,
       WSKP_V_UNLOAD_CALLS = 4,
       WSKP_V_UNLOAD_LONGEST_NS = 5,   /* RELOAD: the slowest stop of the service */
       WSKP_V_UNLOAD_POOL_GROWTH = 6,  /* RELOAD: bytes of the driver's pool tag; if nobody counts, 0 … */
       WSKP_V_UNLOAD_POOL_COUNTED = 7, /* … and 0 here */
       WSKP_V_UNLOAD_TIMES = 8,
       WSKP_V_UNLOAD_EARLY = 9,
};
enum {                               /* START_FAILURES */
       WSKP_V_FAILURES_ENTRY = 0,    /* starts that failed with the status that they should fail with */
       WSKP_V_FAILURES_LATER = 1,    /* that succeeded, but the sub-component then failed with it */
       WSKP_V_FAILURES_SURVIVED = 2, /* that succeeded, and the sub-component did without the call */
       WSKP_V_FAILURES_LEFT = 3,     /* blocks and sockets that any of them left */
       WSKP_V_FAILURES_DEVICES = 4,  /* devices that were there after a start that failed */
};
enum { WSKP_V_ECHO_BYTES = 0, WSKP_V_ECHO_CONNECTIONS = 1, WSKP_V_ECHO_CLOSED = 2 }; /* ECHO */
enum {                                                                               /* LOAD, REBOOT */
       WSKP_V_LOAD_WIN32 = 0,    /* what the service manager said */
       WSKP_V_LOAD_INJECTED = 1, /* 1: the failure that was asked for was made */
};

/*
 * Operations of the agent that need nothing of the driver but that it is one. What no number can say are the
 * texts of the step, a list (words.h). A path that is not absolute counts from the case's own folder in the
 * guest.
 */
enum {
    WSKP_OP_UPLOAD = 120, /* WSKP_UPLOAD_*; texts: where the file or folder was pushed to, where it belongs;
                             paths of folders in it in which there is nothing */
    WSKP_OP_RUN = 121,   /* time in ms, WSKP_RUN_*; texts: program, a blank and its arguments, and then pairs,
                            each of a word and what it is about: "report" a file that it writes, "look" one
                            that its arguments name, "env" NAME=VALUE to add to the agent's environment,
                             "unset" a name to take out of it, "input" the digits of its standard input or
                             "input-file" the file of it, "exit" one of the codes that it may end with */
    WSKP_OP_IOCTL = 122, /* control code, and what every request has; texts: WSKP_TEXT_* */
    WSKP_OP_COLLECT = 123,   /* bytes at most; texts: path, name for the controller */
    WSKP_OP_REGISTRY = 135,  /* WSKP_REGISTRY_*, root (0 HKEY_LOCAL_MACHINE, 1 HKEY_USERS), 1: the key is that
                                of the parameters of the driver's service, type; texts: key below the root, '='
                                and the value's name, maybe the digits of what is written */
    WSKP_OP_EVENT_LOG = 124, /* time in ms; texts: channel, a blank and conditions, maybe what it contains */
    WSKP_OP_OPEN = 125,      /* handle, WSKP_OPEN_*; texts: the device */
    WSKP_OP_CLOSE = 126,     /* handle */
    WSKP_OP_READ = 127,      /* offset, and what every request has; texts: WSKP_TEXT_* */
    WSKP_OP_WRITE = 128,     /* likewise */
};

/*
 * What every request to a device has: in Arg[1] its bytes of output at most, in Arg[2] one more than its
 * handle, or 0 (then a text names the device, which is opened for the request), in Arg[3] one more than the
 * ms after which it is cancelled, or 0.
 */
#define WSKP_ROOM_OF_BUFFER 0x100000000u /* Arg[1]: as much as its output buffer holds to begin with */

/* Handles are of the case, and closed at its end. A parallel thread t of a loop uses handle + t *
 * SocketStride. */
#define WSKP_MAX_HANDLES 128u

/* WSKP_OP_OPEN, Arg[1] */
#define WSKP_OPEN_SYNCHRONOUS 0x1u /* one request at a time, which its thread waits for in the kernel */

/* WSKT_OP_CANCEL of the agent's, Arg[1]: what Arg[0] is */
#define WSKP_CANCEL_THREAD 0u
#define WSKP_CANCEL_HANDLE 1u

/* The letter with which a text of a request begins says what the rest is. Each at most once, but 'c'. */
#define WSKP_TEXT_DEVICE      'd' /* NAME, or the whole of a path \\.\NAME */
#define WSKP_TEXT_INPUT       'i' /* hexadecimal digits */
#define WSKP_TEXT_INPUT_FILE  'I' /* where a file with it was pushed to */
#define WSKP_TEXT_BUFFER      'b' /* what the output buffer holds to begin with */
#define WSKP_TEXT_BUFFER_FILE 'B'
#define WSKP_TEXT_OUTPUT      'o' /* what the output has to be: digits, '?' for any */
#define WSKP_TEXT_CONTAINS    'c' /* and what has to be somewhere in it */

#define WSKP_GENERIC_BYTES 65536u   /* of each output of a step are kept */
#define WSKP_REPORT_BYTES  4194304u /* of a report */

/*
 * WSKT_OP_JOIN of a thread of the agent's: behind the values of every join, the first WSKP_V_JOINED_COUNT of
 * the operation that the thread was at. What that wrote is told with the join, too.
 */
#define WSKP_V_JOINED       3u
#define WSKP_V_JOINED_COUNT 7u

/* A program, and whoever waits for it on a thread of the agent's, may take as long as a case. */
#define WSKP_MAX_WAIT_MS 86400000u

/* WSKP_OP_RUN, Arg[1] */
#define WSKP_RUN_STDOUT_REPORT 0x1u /* its standard output is a report, and is kept as one */
#define WSKP_RUN_OPTIONS       0x1u

/* At what a run has failed that did not come to its end. */
enum {
    WSKP_RUN_AT_NOTHING = 0,
    WSKP_RUN_AT_FOLDER = 1,     /* making the case's folder */
    WSKP_RUN_AT_OLD_REPORT = 2, /* taking away what was there in the report's place */
    WSKP_RUN_AT_START = 3,      /* starting the program */
    WSKP_RUN_AT_REPORT = 4,     /* reading the report, of a program that ended as it should */
    WSKP_RUN_AT_INPUT = 5,      /* opening its standard input */
};

enum { /* RUN */
       WSKP_V_RUN_EXIT = 0,
       WSKP_V_RUN_OUT = 1, /* bytes */
       WSKP_V_RUN_ERR = 2,
       WSKP_V_RUN_AT = 3, /* WSKP_RUN_AT_* */
       WSKP_V_RUN_MISSING =
           4, /* of the files to be looked for, from 1, the first that is not there; 0: none */
       WSKP_V_RUN_LISTED = 5, /* 1: its exit code is one of those that the texts name */
};
enum {                           /* IOCTL, READ, WRITE */
       WSKP_V_REQUEST_BYTES = 0, /* Information of its status block */
       WSKP_V_REQUEST_MATCH = 1, /* 1: the output is what the texts say, or they say nothing */
};
/* WSKP_OP_UPLOAD, Arg[0] */
#define WSKP_UPLOAD_REPLACE 0x1u /* a file that is there is put back when the case is over */
#define WSKP_UPLOAD_OPTIONS 0x1u

/* WSKP_OP_REGISTRY, Arg[0]; what it changes is changed back when the case is over */
enum { WSKP_REGISTRY_GET = 0, WSKP_REGISTRY_SET = 1, WSKP_REGISTRY_DELETE = 2 };

enum { /* REGISTRY, of GET */
       WSKP_V_REGISTRY_TYPE = 0,
       WSKP_V_REGISTRY_BYTES = 1,
};
enum { /* UPLOAD, COLLECT */
       WSKP_V_FILE_BYTES = 0,
};

typedef struct WSKP_STEP {
    WSKT_STEP Step;
    UINT32 Executor; /* WSKP_BY_* */
    UINT32 Text;     /* string offset, of what no number can say; empty where there is nothing */
} WSKP_STEP;         /* 200 bytes */
