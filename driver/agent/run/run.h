/* run.h - one run of a plan, from start to tidied up, in the process that owns it. */
#pragma once

#include "journal.h"
#include "plan.h"
#include "reboot.h"

/*
 * Runs the plan and writes everything to Journal, which is Files->Journal and stays open; from From on, where
 * a boot before this one has come so far. Cancel is an event. The driver's service is gone afterwards, unless
 * the driver can't be unloaded, or the guest is rebooting and the run goes on after that.
 */
void RunPlan(const RUN_FILES *Files, JOURNAL *Journal, const REBOOT_POINT *From, HANDLE Cancel);

/* The terminal record of a run whose plan is refused: at its beginning, or after a boot behind so many cases.
 */
void WritePlanRefused(JOURNAL *Journal, UINT32 Ended);
