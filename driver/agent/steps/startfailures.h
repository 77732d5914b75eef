/* startfailures.h - every error path of the driver's start, taken once. */
#pragma once

#include "actor.h"

/*
 * WSKP_OP_START_FAILURES. The driver is not loaded before, nor after. Its status is STATUS_SUCCESS where the
 * start came through in the end, with nothing left to fail; else that of the first start that was not as it
 * should be.
 */
ACT_ROUTINE StartFailures;
