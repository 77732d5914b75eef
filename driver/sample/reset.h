/*
 * reset.h - what a case has left behind, and tidying up after it.
 */
#pragma once

#include "sample.h"

/* Once, in DriverEntry. */
VOID ResetInitialize(VOID);

/*
 * What is under way and outstanding now; the sub-component's own is not counted. Takes no lock and waits for
 * nothing. Any IRQL.
 */
VOID StatusTell(WSKT_STATUS *Out);

/* Counts, undoes, and counts again, within TimeoutMs and a moment. PASSIVE_LEVEL. */
NTSTATUS Reset(UINT32 TimeoutMs, WSKT_RESET_OUT *Out);
