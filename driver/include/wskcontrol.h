/*
 * wskcontrol.h - how a test controls a WSK provider, and what such a provider counts.
 *
 * Not every rule shows on a provider that is always ready and has always the same versions. The model
 * (driver/model) can be told otherwise, and so can any netio.sys of a user's own that exports what is below
 * (docs/provider.md). Whoever wants it looks for it in the image that its own import of WskRegister leads to.
 * It is a plain call, with no device and no IRP in between, because a test has to be able to make it while
 * every other thread is blocked in the provider.
 *
 * The two exports:
 *
 *   WSK_TEST_CONTROL WskTestControl;
 *   const UINT32 WskTestControlVersion = WSK_TEST_CONTROL_VERSION;
 *
 * The second is read from the file, before anything is loaded.
 */
#pragma once

#include <ntddk.h>

#define WSK_TEST_CONTROL_NAME    "WskTestControl"
#define WSK_TEST_CONTROL_VERSION 3u

#define WSK_TEST_NEVER 0xFFFFFFFFu

/*
 * For a machine that boots, where the first call of WskRegister comes before anybody can call the control:
 * REG_DWORD, from that call on how many milliseconds the provider is not ready (WSK_TEST_NEVER: for ever).
 */
#define WSK_TEST_KEY         L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\WskTestControl"
#define WSK_TEST_READY_VALUE L"ReadyAfterMs"

/* What the provider is like. The defaults: ready, the versions that it has by itself, sockets. */
typedef struct WSK_TEST_SETTINGS {
    UINT32 SetReadiness; /* 0: ReadyAfterMs is ignored, and readiness stays as it is */
    UINT32 ReadyAfterMs; /* from now on; 0: at once, WSK_TEST_NEVER: not at all */
    UINT32 SetVersions;  /* 0: both are ignored, and the range stays as it is */
    UINT16 Lowest;       /* WSK versions, major << 8 | minor */
    UINT16 Highest;
    UINT32 SetSockets; /* 0: NoSockets is ignored, and that stays as it is */
    UINT32 NoSockets;  /* not 0: WskSocket fails, as when memory is short */
} WSK_TEST_SETTINGS;

/* Live things are counted as they are; calls since the last reset. */
typedef struct WSK_TEST_COUNTERS {
    UINT32 Registrations; /* WskRegister without its WskDeregister having returned */
    UINT32 Captures;      /* not yet released */
    UINT32 Waiters;       /* captures that wait for the provider */
    UINT32 Sockets;       /* not yet closed */
    UINT32 Busy;          /* calls through the provider dispatch, and client-control IRPs, in progress */
    /*
     * What a client must not do: releases and calls without a capture, deregistrations without a
     * registration, closes of a socket that is not open, IRPs that were used before and not made ready again.
     */
    UINT32 Mismatched;
    UINT32 RegisterCalls; /* that succeeded */
    UINT32 DeregisterCalls;
    UINT32 CaptureCalls;
    UINT32 ReleaseCalls;
    UINT32 QueryCalls;
    UINT32 Reserved;
} WSK_TEST_COUNTERS;

/*
 * Version is WSK_TEST_CONTROL_VERSION, else STATUS_REVISION_MISMATCH, and STATUS_INVALID_PARAMETER where the
 * lowest version is above the highest; then nothing has changed. Settings may be NULL; so may Counters. Reset
 * puts the defaults back, and the counts of calls to 0, before Settings are applied. Captures that wait look
 * again when readiness changes. IRQL <= DISPATCH_LEVEL.
 */
typedef NTSTATUS(NTAPI WSK_TEST_CONTROL)(UINT32 Version, BOOLEAN Reset, const WSK_TEST_SETTINGS *Settings,
                                         WSK_TEST_COUNTERS *Counters);
