/* clock.h - time: a monotonic clock, deadlines, bounded waits. */
#pragma once

#include "kernel.h"

/* Milliseconds for a wait without a limit. Each use says why there can be none. */
#define WAIT_FOREVER 0xFFFFFFFFu

/* A monotonic clock in nanoseconds. */
_IRQL_requires_max_(HIGH_LEVEL) UINT64 ClockNs(VOID);

/* When a wait of that many milliseconds that starts now is over, on ClockNs. */
_IRQL_requires_max_(HIGH_LEVEL) UINT64 DeadlineIn(UINT32 Ms);

/* Milliseconds until Deadline, rounded up; 0 once it has passed. */
_IRQL_requires_max_(HIGH_LEVEL) UINT32 DeadlineLeft(UINT64 Deadline);

/* STATUS_SUCCESS or STATUS_TIMEOUT. */
_IRQL_requires_max_(PASSIVE_LEVEL) NTSTATUS WaitFor(PVOID Object, UINT32 Ms);

_IRQL_requires_max_(PASSIVE_LEVEL) VOID SleepMs(UINT32 Ms);
