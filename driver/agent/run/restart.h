/* restart.h - the step that reboots the guest: what is prepared for the next boot, and found in it. */
#pragma once

#include "executor.h"
#include "reboot.h"
#include "start.h"

/*
 * Prepares driver, provider and run for the next boot, notes where the run is (the rest of Point), and orders
 * the reboot. The journal must end with the record of it. TRUE: the guest is going down. FALSE: it is not,
 * Result says why, and what was prepared is undone.
 */
BOOL Restart(EXECUTOR *Executor, const RUN_FILES *Files, const JOURNAL *Journal, REBOOT_POINT *Point,
             const WSKT_STEP *Step, const WSKT_BATCH *AtStart, DWORD AtStartBytes, HANDLE Cancel,
             WSKT_RESULT *Result);

/* In the next boot: waits for the driver that the step wants to have started, and opens it. */
void Restarted(EXECUTOR *Executor, const REBOOT_POINT *Point, const WSKT_STEP *Step, WSKT_RESULT *Result);
