/* caseunit.h - one unit of a case, for cases.c. */
#pragma once

#include "caselog.h"

/* Runs a unit, with no more time than the case has left, and writes what its steps came to. */
WHY RunUnit(CASES *Cases, CASE_RUN *Run, UINT32 Index);

/* Writes a step of the agent, as if it were a unit's answer. */
WHY WriteAgentStep(CASES *Cases, CASE_RUN *Run, const WSKP_UNIT *Unit, const WSKT_RESULT *Result);

BOOL DeviceAnswers(DEVICE *Device);
