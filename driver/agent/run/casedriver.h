/* casedriver.h - one batch of a case, run by the driver. */
#pragma once

#include "caselog.h"

/* Sends the batch, or asks for the results of one that DriverEntry has run, and writes what its steps came
 * to.
 */
WHY RunDriverBatch(CASES *Cases, CASE_RUN *Run, const WSKP_BATCH *Batch, UINT32 TimeoutMs);

/* A batch as the driver is sent it; its first step is step FirstStep of the case. Returns its length. */
DWORD FillBatch(const PLAN *Plan, UINT32 Case, UINT32 FirstStep, const WSKP_BATCH *From, UINT32 TimeoutMs,
                WSKT_BATCH *Batch);

BOOL DeviceAnswers(DEVICE *Device);
