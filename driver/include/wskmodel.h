/*
 * wskmodel.h - how a test controls the model provider (driver/model), and what the model counts.
 *
 * The model's image exports one routine beside the five of WSK, under the name below. Whoever wants
 * it looks for it in the image that its own import of WskRegister leads to: a provider without it is
 * not the model. It is a plain call, with no device and no IRP in between, because a test has to be
 * able to make it while every other thread is blocked in the provider.
 */
#pragma once

#include <ntddk.h>

#define WSK_MODEL_EXPORT  "WskModelControl"
#define WSK_MODEL_VERSION 1u

#define WSK_MODEL_NEVER 0xFFFFFFFFu

/*
 * For a machine that boots, where the first call of WskRegister comes before anybody can call the control:
 * REG_DWORD, from that call on how many milliseconds the provider is not ready (WSK_MODEL_NEVER: for ever).
 */
#define WSK_MODEL_KEY         L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\WskModel"
#define WSK_MODEL_READY_VALUE L"ReadyAfterMs"

/* What the provider is like. The defaults: ready, versions 1.0 to 1.1. */
typedef struct WSK_MODEL_SETTINGS {
    UINT32 SetReadiness; /* 0: ReadyAfterMs is ignored, and readiness stays as it is */
    UINT32 ReadyAfterMs; /* from now on; 0: at once, WSK_MODEL_NEVER: not at all */
    UINT32 SetVersions;  /* 0: both are ignored, and the range stays as it is */
    UINT16 Lowest;       /* WSK versions, major << 8 | minor */
    UINT16 Highest;
} WSK_MODEL_SETTINGS;

/* Live things are counted as they are; calls since the last reset. */
typedef struct WSK_MODEL_COUNTERS {
    UINT32 Registrations; /* WskRegister without its WskDeregister having returned */
    UINT32 Captures;      /* not yet released */
    UINT32 Waiters;       /* captures that wait for the provider */
    UINT32 Sockets;       /* not yet closed */
    UINT32 Busy;          /* calls through the provider dispatch, and client-control IRPs, in progress */
    UINT32 Mismatched;    /* releases without a capture, deregistrations without a registration */
    UINT32 RegisterCalls;
    UINT32 DeregisterCalls;
    UINT32 CaptureCalls;
    UINT32 ReleaseCalls;
    UINT32 QueryCalls;
    UINT32 Reserved;
} WSK_MODEL_COUNTERS;

/*
 * Version is WSK_MODEL_VERSION, else STATUS_REVISION_MISMATCH. Settings may be NULL; so may Counters.
 * Reset puts the defaults back, and the counts of calls to 0, before Settings are applied.
 * IRQL <= DISPATCH_LEVEL.
 */
typedef NTSTATUS(NTAPI WSK_MODEL_CONTROL)(UINT32 Version, BOOLEAN Reset, const WSK_MODEL_SETTINGS *Settings,
                                          WSK_MODEL_COUNTERS *Counters);
