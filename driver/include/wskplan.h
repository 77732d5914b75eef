/*
 * wskplan.h - a compiled plan, as the controller sends it to wskagent.exe.
 *
 * One file: header, cases, units, steps, strings. Little-endian, offsets in bytes from the start of
 * the file, strings UTF-8 and NUL-terminated in one table. The agent knows no step's meaning: it
 * hands each unit to the driver, compares statuses and values with what the plan says, and stops a
 * case at the first that differs, but for its tear-down. Package suites writes this; the agent checks every
 * bound.
 */
#pragma once

#include "wskabi.h"

#define WSKP_MAGIC   0x4E4C504Bu /* "KPLN" */
#define WSKP_VERSION 3u

#define WSKP_MAX_FILE   (16u * 1024u * 1024u)
#define WSKP_MAX_CHECKS 6u

typedef struct WSKP_HEADER {
    UINT32 Magic;
    UINT32 Version;
    UINT32 Abi;
    UINT32 FileSize;
    UINT32 Crc32; /* IEEE, of the file with this field zero */
    UINT32 CaseCount;
    UINT32 CaseOffset;
    UINT32 UnitCount;
    UINT32 UnitOffset;
    UINT32 StepCount;
    UINT32 StepOffset;
    UINT32 StringBytes;
    UINT32 StringOffset;
    UINT32 RunId;      /* string offsets, relative to the string table */
    UINT32 DriverPath; /* in the guest; empty: the driver is running already */
    UINT32 ServiceName;
    UINT32 StartTimeoutMs;
    UINT32 StopTimeoutMs;
    UINT32 Flags; /* 0: none are defined */
    UINT32 Reserved;
    UINT8 DriverSha256[32]; /* nothing is started unless the file has this hash */
} WSKP_HEADER;

typedef struct WSKP_CASE {
    UINT32 Name; /* string offset: suite.case */
    UINT32 FirstUnit;
    UINT32 UnitCount;
    UINT32 TimeoutMs;     /* for all units but those of the tear-down */
    UINT32 TearDownCount; /* so many of its last units run whatever became of those before */
    UINT32 TearDownMs;    /* for these; 0 where there are none */
} WSKP_CASE;

typedef struct WSKP_UNIT {
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
    UINT32 Reserved;
} WSKP_UNIT;

/*
 * Operations of the agent that need nothing of the driver but that it is one. What no number can say are the
 * texts of the step, a list (words.h). A path that is not absolute counts from the case's own folder in the
 * guest.
 */
enum {
    WSKP_OP_UPLOAD = 120, /* texts: where the file was pushed to, where it belongs */
    WSKP_OP_RUN =
        121, /* time in ms; texts: program, a blank and its arguments, maybe a report that it writes */
    WSKP_OP_IOCTL = 122, /* control code, bytes of output at most; texts: device, maybe the input's digits */
    WSKP_OP_COLLECT = 123,   /* bytes at most; texts: path, name for the controller */
    WSKP_OP_EVENT_LOG = 124, /* time in ms; texts: channel, a blank and conditions, maybe what it contains */
};

#define WSKP_GENERIC_BYTES 65536u  /* of each output of a step are kept */
#define WSKP_REPORT_BYTES  262144u /* of a report */

enum { /* RUN */
       WSKP_V_RUN_EXIT = 0,
       WSKP_V_RUN_OUT = 1, /* bytes */
       WSKP_V_RUN_ERR = 2,
};
enum { /* IOCTL */
       WSKP_V_IOCTL_WIN32 = 0,
       WSKP_V_IOCTL_BYTES = 1,
};
enum { /* UPLOAD, COLLECT */
       WSKP_V_FILE_BYTES = 0,
};

/* WSKP_CHECK.Value beyond the WSKT_RESULT.Value indices */
#define WSKP_VALUE_ELAPSED_NS 100u
#define WSKP_VALUE_MAX_NS     101u
#define WSKP_VALUE_EXECUTED   102u

enum {
    WSKP_EQ = 1,
    WSKP_NE = 2,
    WSKP_GE = 3,
    WSKP_LE = 4,
    WSKP_HAS = 5, /* all bits of Want are set */
};

typedef struct WSKP_CHECK {
    UINT16 Value;
    UINT16 Compare;
    UINT32 Reserved;
    UINT64 Want;
} WSKP_CHECK;

typedef struct WSKP_STEP {
    WSKT_STEP Step;
    UINT32 CheckCount;
    UINT32 Reserved;
    WSKP_CHECK Check[WSKP_MAX_CHECKS];
} WSKP_STEP; /* 192 bytes */
