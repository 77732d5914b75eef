/* start.h - the driver of a plan: from its file in the guest to its device, and back. */
#pragma once

#include "device.h"
#include "digest.h"
#include "plan.h"

/* What a start is given beside the driver's file. */
typedef struct START_WITH {
    UINT32 FailAt;           /* WSKT_FAIL_AT_VALUE, 0: nothing is to fail */
    BOOL Activate;           /* WSKT_ACTIVATE_VALUE */
    const WSKT_BATCH *Steps; /* WSKT_START_STEPS_VALUE; NULL: DriverEntry has none to run */
    DWORD StepsBytes;
} START_WITH;

/* What became of a start. */
typedef struct START {
    const char *Why; /* a word of the journal's driver-start; NULL: the driver is up */
    DWORD Win32;
    DWORD Entry; /* NTSTATUS that DriverEntry left behind, or told when it was run again, or 0 */
    BOOL Asked;  /* it was run again */
    DWORD Again; /* and this is what it came to then: an NTSTATUS */
    char Sha256[SHA256_DIGITS + 1];
    WSKT_HELLO Hello;
} START;

/*
 * Checks the file's hash, installs the service, starts it and opens the device; a driver that runs under
 * the name is stopped first, since it may be another file. FALSE with the reason in Start, and *Device NULL:
 * the service is there then, and is stopped unless the device did not open.
 */
BOOL StartUp(const PLAN *Plan, const START_WITH *With, DEVICE **Device, START *Start);

/* Takes back what an external driver's .inf has installed, where one was. */
void StartForget(const PLAN *Plan);

/* Checks the file's hash and starts the service as it is: the driver is not loaded. */
BOOL StartAgain(const PLAN *Plan, DEVICE **Device, START *Start);

/* Tells of a start that failed what DriverEntry has to do with it. */
void StartTellEntry(TEXT *Line, const START *Start);

/* What a start is given by a step (STEP_STARTS). */
START_WITH StartWithOf(const WSKT_STEP *Step, const WSKT_BATCH *AtStart, DWORD AtStartBytes);

/* What a start has come to, as a step reports it: its status alone, or with its values. */
UINT32 StartStatus(const START *Start);
void StartTell(const START *Start, WSKT_RESULT *Result);

/* Opens the device of a driver that runs, and has it say who it is. */
BOOL StartOpen(DEVICE **Device, START *Start);

/* Checks that the plan's driver, or another file, is what the plan says, and notes its hash. */
BOOL StartVerify(const PLAN *Plan, START *Start);
BOOL StartVerifyFile(const PLAN *Plan, const wchar_t *Path, START *Start);

/* Puts the parameters of the next start under the service's key, or takes them away (NULL). */
DWORD StartPrepare(const PLAN *Plan, const START_WITH *With);
