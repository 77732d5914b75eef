/* casedriver.h - one unit of a case, run by the driver. */
#pragma once

#include "caselog.h"

/* Sends the unit, or asks for the results of one that DriverEntry has run, and writes what its steps came to.
 */
WHY RunDriverUnit(CASES *Cases, CASE_RUN *Run, const WSKP_UNIT *Unit, UINT32 TimeoutMs);

/* A unit as the driver is sent it; its first step is step FirstStep of the case. Returns its length. */
DWORD FillUnit(const PLAN *Plan, UINT32 Case, UINT32 FirstStep, const WSKP_UNIT *From, UINT32 TimeoutMs,
               WSKT_UNIT *Unit);

BOOL DeviceAnswers(DEVICE *Device);
