/* run.h - one run of a plan, from start to tidied up, in the process that owns it. */
#pragma once

#include "journal.h"
#include "plan.h"

/*
 * Runs the plan at PlanPath and writes everything to Journal, which has been created and stays open.
 * Cancel is an event. The driver's service is gone afterwards, unless the driver can't be unloaded.
 */
void RunPlan(const wchar_t *PlanPath, JOURNAL *Journal, HANDLE Cancel);

/* The terminal record of a run whose plan is refused; Journal has no other. */
void WritePlanRefused(JOURNAL *Journal);
