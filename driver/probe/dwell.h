/* dwell.h - a driver that stays where it is until it is let go, so that it can be disturbed there. */
#pragma once

#include "kernel.h"

#define DWELLS (DEFECT(DWELLS_IN_ENTRY) || DEFECT(DWELLS_IN_RESET) || DEFECT(DWELLS_IN_UNLOAD))

/*
 * Where C:\wskharness\selftest.arm is there, takes it away, makes selftest.hold beside it, and returns when
 * that is gone, or after ten minutes. So it dwells once, and only if whoever made the first file wants it to:
 * a driver that is loaded again after a disturbance does not.
 */
_IRQL_requires_max_(PASSIVE_LEVEL) VOID Dwell(VOID);
