/* fault.c - faults of the driver that a step asks for. */
#include "stepcall.h"

static OPERATION_ROUTINE DoFault;
static OPERATION_CHECK FaultCheck;

static NTSTATUS FaultCheck(const STEP_CALL *Call)
{
    const UINT64 *arg = Call->Step.Arg;

    if (!Misuse(Call)) {
        return STATUS_ACCESS_DENIED;
    }
    return Sound(arg[0] >= WSKT_FAULT_WRITE && arg[0] <= WSKT_FAULT_HANG &&
                 (arg[0] != WSKT_FAULT_HANG || arg[1] <= WSKT_MAX_WAIT_MS));
}

/* May run at any IRQL up to DISPATCH_LEVEL, so it hangs there as drivers do: by spinning. */
static VOID Hang(UINT64 Ms, BOOLEAN Spin)
{
    UINT64 end = DeadlineIn((UINT32)Ms);

    if (!Spin) {
        SleepMs((UINT32)Ms);
    }
    while (ClockNs() < end) {
        YieldProcessor();
    }
}

static VOID DoFault(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    const UINT64 *arg = Call->Step.Arg;

    switch (arg[0]) {
    case WSKT_FAULT_WRITE: *(volatile UINT32 *)(ULONG_PTR)arg[1] = 0xDEADBEEF; break;
    case WSKT_FAULT_BUGCHECK:
        KeBugCheckEx((ULONG)arg[1], (ULONG_PTR)arg[2], (ULONG_PTR)arg[3], (ULONG_PTR)arg[4],
                     (ULONG_PTR)arg[5]);
        break;
    case WSKT_FAULT_HANG: Hang(DEFECT(OVERSTAYS) ? 60000 : arg[1], AtDispatchLevel(Call)); break;
    default: Refuse(Result, STATUS_INVALID_PARAMETER); break;
    }
}

const OPERATION FaultOperation = {DoFault, FaultCheck, LEVEL_DISPATCH};
