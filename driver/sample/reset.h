/*
 * reset.h - what a case has left behind, and tidying up after it.
 */
#pragma once

#include "sample.h"

/* Once, in DriverEntry. */
VOID ResetInitialize(VOID);

/* Counts, undoes, and counts again, within TimeoutMs and a moment. PASSIVE_LEVEL. */
NTSTATUS Reset(UINT32 TimeoutMs, WSKT_RESET_OUT *Out);
