/* driverend.h - the last that a run has to do with its driver, and to tell of it. */
#pragma once

#include "journal.h"
#include "plan.h"

/*
 * Stops the driver, proves that the one which was tested has gone, removes its service and writes
 * driver-stop; a driver that the plan never unloads is left as it is, and driver-left written. FALSE: that is
 * not as it should be, and nothing else may be tested on this machine. Of a driver that is Lost, with
 * whatever hosted it, no stop is a proof: the manager may have found that out.
 */
BOOL DriverEnd(JOURNAL *Journal, const PLAN *Plan, BOOL Lost);
