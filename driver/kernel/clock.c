/* clock.c - time: a monotonic clock, deadlines, bounded waits. */
#include "clock.h"

#define NS_PER_SECOND 1000000000ull
#define NS_PER_MS     1000000ull

UINT64 ClockNs(VOID)
{
    LARGE_INTEGER frequency;
    LARGE_INTEGER now = KeQueryPerformanceCounter(&frequency);
    UINT64 ticks = (UINT64)now.QuadPart;
    UINT64 perSecond = (UINT64)frequency.QuadPart;

    /* In two parts, since ticks * 10^9 would overflow after a few minutes. */
    return ticks / perSecond * NS_PER_SECOND + ticks % perSecond * NS_PER_SECOND / perSecond;
}

UINT64 DeadlineIn(UINT32 Ms) { return ClockNs() + (UINT64)Ms * NS_PER_MS; }

UINT32 DeadlineLeft(UINT64 Deadline)
{
    UINT64 now = ClockNs();
    UINT64 ms;

    if (now >= Deadline) {
        return 0;
    }
    ms = (Deadline - now + NS_PER_MS - 1) / NS_PER_MS;
    return ms < WAIT_FOREVER ? (UINT32)ms : WAIT_FOREVER - 1;
}

/* Relative times are negative, in batches of 100 ns. */
static LARGE_INTEGER RelativeTime(UINT32 Ms)
{
    LARGE_INTEGER due;

    due.QuadPart = -(LONGLONG)Ms * 10000;
    return due;
}

NTSTATUS WaitFor(PVOID Object, UINT32 Ms)
{
    LARGE_INTEGER due = RelativeTime(Ms);

    return KeWaitForSingleObject(Object, Executive, KernelMode, FALSE, Ms == WAIT_FOREVER ? NULL : &due);
}

VOID SleepMs(UINT32 Ms)
{
    LARGE_INTEGER due = RelativeTime(Ms);

    (VOID) KeDelayExecutionThread(KernelMode, FALSE, &due);
}
