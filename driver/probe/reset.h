/* reset.h - what a case has left behind, and tidying up after it. */
#pragma once

#include "kernel.h"
#include "wskabi.h"

_IRQL_requires_max_(PASSIVE_LEVEL) VOID ResetInitialize(VOID);

/* What is in flight and outstanding now; the server's own is not counted. Takes no lock and waits for
 * nothing. */
_IRQL_requires_max_(HIGH_LEVEL) VOID StatusTell(WSKT_STATUS *Out);

/* Counts, undoes, and counts again, within TimeoutMs and a moment. */
_IRQL_requires_max_(PASSIVE_LEVEL) _Must_inspect_result_ NTSTATUS
    Reset(UINT32 TimeoutMs, WSKT_RESET_OUT *Out);
