/*
 * reset.h - what a case has left behind, and tidying up after it.
 */
#pragma once

#include "kernel.h"
#include "wskabi.h"

/* Once, in DriverEntry. */
_IRQL_requires_max_(PASSIVE_LEVEL) VOID ResetInitialize(VOID);

/* Counts, undoes, and counts again, within TimeoutMs and a moment. */
_Must_inspect_result_ _IRQL_requires_max_(PASSIVE_LEVEL)
NTSTATUS Reset(UINT32 TimeoutMs, WSKT_RESET_OUT *Out);
