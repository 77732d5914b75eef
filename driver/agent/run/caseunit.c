/* caseunit.c - runs one unit of a case: by the driver, or by the agent itself. */
#include "caseunit.h"
#include "driver.h"
#include "judge.h"
#include "lease.h"
#include "loop.h"
#include "output.h"
#include "restart.h"
#include "status.h"

#include <stdlib.h>

/* A unit ends itself at its limit; this is what it may take to tell, on a busy machine. */
#define UNIT_MARGIN_MS 5000u

#define HELLO_AGAIN_MS 5000u
#define STOP_MS        2000u

#define STATUS_IO_TIMEOUT_VALUE 0xC00000B5u

static UINT64 CaseLeftMs(const CASES *Cases, const CASE_RUN *Run)
{
    UINT64 now = JournalMs(Cases->Journal);

    return now < Run->Deadline ? Run->Deadline - now : 0;
}

/*
 * Was a step stopped, or refused, for want of time? In a unit that got less than it asked for that is the
 * case's time, and the step has not deviated by itself.
 */
static BOOL RanOutOfTime(const WSKT_UNIT_RESULT *Answer)
{
    for (UINT32 i = 0; i < Answer->StepCount; i++) {
        const WSKT_RESULT *result = &Answer->Result[i];

        if (result->Origin == WSKT_ORIGIN_TIMEOUT ||
            (result->Origin == WSKT_ORIGIN_REFUSED && result->Status == STATUS_IO_TIMEOUT_VALUE))
            return TRUE;
    }
    return FALSE;
}

/* The case ends in a unit of so many steps, of which none is back. */
static WHY EndsIn(CASE_RUN *Run, UINT32 StepCount, WHY Why)
{
    Run->UnderFirst = Run->FirstStep;
    Run->UnderCount = StepCount;
    return Why;
}

/* The time was up in a unit that is back: from the first step that is still out there on, those that are not.
 */
static WHY EndsOutOfTime(CASE_RUN *Run, const WSKT_UNIT_RESULT *Answer)
{
    Run->UnderCount = 0;
    for (UINT32 i = 0; i < Answer->StepCount; i++) {
        UINT32 origin = Answer->Result[i].Origin;

        if (origin == WSKT_ORIGIN_TIMEOUT && Run->UnderCount == 0)
            Run->UnderFirst = Run->FirstStep + i;
        if (origin == WSKT_ORIGIN_TIMEOUT || (origin == WSKT_ORIGIN_SKIPPED && Run->UnderCount != 0))
            Run->UnderCount++;
    }
    return WHY_TIMEOUT;
}

/* Ends the loops of a request that is out, on a handle of their own. */
static void StopLoops(void)
{
    DEVICE *device;
    DWORD returned;

    if (DeviceOpen(&device, STOP_MS) == ERROR_SUCCESS)
        (void)DeviceCall(device, IOCTL_WSKT_STOP, NULL, 0, NULL, 0, &returned, STOP_MS);
    DeviceClose(device);
}

/* A run that is cancelled does not wait for the time of a loop to be up. */
static DWORD RunRequest(CASES *Cases, const WSKT_UNIT *Unit, DWORD Bytes, void *Reply, DWORD *Returned)
{
    HANDLE cancel = Unit->Repeat > 1 || Unit->Parallel > 1 ? Cases->Cancel : NULL;
    DEVICE *device = Cases->Executor.Device;
    DWORD out = (DWORD)(FIELD_OFFSET(WSKT_UNIT_RESULT, Result) + Unit->StepCount * sizeof(WSKT_RESULT));
    DWORD limit = Unit->TimeoutMs + UNIT_MARGIN_MS;
    DWORD error = DeviceSend(device, IOCTL_WSKT_RUN, Unit, Bytes, out);

    if (error == ERROR_SUCCESS)
        error = DeviceAwait(device, Reply, Returned, limit, cancel);
    if (error == ERROR_CANCELLED) {
        StopLoops();
        error = DeviceAwait(device, Reply, Returned, limit, NULL);
    }
    return error;
}

/* A unit as the driver is sent it; its first step is step FirstStep of the case. Returns its length. */
static DWORD FillUnit(const PLAN *Plan, UINT32 Case, UINT32 FirstStep, const WSKP_UNIT *From,
                      UINT32 TimeoutMs, WSKT_UNIT *Unit)
{
    Unit->Abi = WSKT_ABI;
    Unit->StepCount = From->StepCount;
    Unit->TimeoutMs = TimeoutMs;
    Unit->Repeat = From->Repeat;
    Unit->Parallel = From->Parallel;
    Unit->ClientStride = From->ClientStride;
    Unit->SocketStride = From->SocketStride;
    Unit->ForMs = From->ForMs < TimeoutMs ? From->ForMs : TimeoutMs;
    Unit->Groups = From->Groups;
    Unit->Seed = From->Seed;
    Unit->Case = Case;
    Unit->FirstStep = FirstStep;
    for (UINT32 i = 0; i < From->StepCount; i++)
        Unit->Step[i] = Plan->Step[From->FirstStep + i].Step;
    return (DWORD)(FIELD_OFFSET(WSKT_UNIT, Step) + From->StepCount * sizeof(WSKT_STEP));
}

/* Asks for the results of a unit that DriverEntry has run. */
static DWORD StartedRequest(CASES *Cases, const WSKP_UNIT *Unit, void *Reply, DWORD *Returned)
{
    return DeviceCall(Cases->Executor.Device, IOCTL_WSKT_STARTED, NULL, 0, Reply,
                      (DWORD)(FIELD_OFFSET(WSKT_UNIT_RESULT, Result) + Unit->StepCount * sizeof(WSKT_RESULT)),
                      Returned, Unit->TimeoutMs + UNIT_MARGIN_MS);
}

/* Sends one unit, or asks for the results of one that DriverEntry has run. */
static WHY AskDriver(CASES *Cases, CASE_RUN *Run, const WSKP_UNIT *Unit, UINT32 TimeoutMs)
{
    UINT64 request[DEVICE_UNIT_BYTES / sizeof(UINT64) + 1], reply[DEVICE_REPLY_BYTES / sizeof(UINT64) + 1];
    WSKT_UNIT *unit = (WSKT_UNIT *)request;
    const WSKT_UNIT_RESULT *answer = (const WSKT_UNIT_RESULT *)reply;
    BOOL atStart = (Unit->Flags & WSKP_UNIT_AT_START) != 0;
    DWORD bytes = 0, returned = 0;

    if (Cases->Executor.Device == NULL) {
        Run->IoError = ERROR_NOT_READY; /* it is not loaded */
    } else if (atStart) {
        Run->IoError = StartedRequest(Cases, Unit, reply, &returned);
    } else {
        bytes = FillUnit(Cases->Plan, Run->Index, Run->FirstStep, Unit, TimeoutMs, unit);
        Run->IoError = RunRequest(Cases, unit, bytes, reply, &returned);
    }
    if (Run->IoError == ERROR_TIMEOUT)
        return EndsIn(Run, Unit->StepCount, WHY_HANG);
    if (Run->IoError == ERROR_SUCCESS && !AnswerIsSound(Unit, answer, returned))
        Run->IoError = ERROR_INVALID_DATA;
    if (Run->IoError != ERROR_SUCCESS)
        return EndsIn(Run, Unit->StepCount, WHY_IO);
    if (WriteSteps(Cases, Run, Unit, answer, NULL))
        return WHY_DONE;
    if (answer->FailedStep < 0 && WaitForSingleObject(Cases->Cancel, 0) == WAIT_OBJECT_0)
        return WHY_CANCELLED; /* its loop was ended */
    return TimeoutMs < Unit->TimeoutMs && RanOutOfTime(answer) ? EndsOutOfTime(Run, answer) : WHY_DEVIATION;
}

WHY WriteAgentStep(CASES *Cases, CASE_RUN *Run, const WSKP_UNIT *Unit, const WSKT_RESULT *Result)
{
    WSKT_UNIT_RESULT answer = {
        .Abi = WSKT_ABI, .StepCount = 1, .Completed = 1, .FailedStep = -1, .Result = {*Result}};

    if (WriteSteps(Cases, Run, Unit, &answer, NULL))
        return WHY_DONE;
    if (Result->Status == WSKP_STATUS_OF_WIN32(ERROR_CANCELLED) && Cases->Executor.Cancel != NULL &&
        WaitForSingleObject(Cases->Executor.Cancel, 0) == WAIT_OBJECT_0)
        return WHY_CANCELLED; /* its program was ended */
    if (Result->Origin == WSKT_ORIGIN_TIMEOUT &&
        ExecutorHangs(&Cases->Executor, &Cases->Plan->Step[Unit->FirstStep].Step))
        return EndsIn(Run, 1, WHY_HANG);
    return WHY_DEVIATION;
}

BOOL DeviceAnswers(DEVICE *Device)
{
    WSKT_HELLO hello;
    DWORD returned;

    return DeviceCall(Device, IOCTL_WSKT_HELLO, NULL, 0, &hello, sizeof hello, &returned, HELLO_AGAIN_MS) ==
               ERROR_SUCCESS &&
           returned == sizeof hello;
}

/*
 * Did the driver go down under a step of the agent's that came to this status? Of one that can't be asked,
 * nobody is to have stopped it: where a request to it ended with its host, the service manager may know by
 * now, and says that it is stopped. Where Wine's host of the sample dies, the request that it was in ends
 * with STATUS_FILE_DELETED.
 */
static BOOL DriverWent(const CASES *Cases, UINT32 Status)
{
    const wchar_t *name = Cases->Plan->ServiceName;
    SERVICE_REPORT report;

    if (!Cases->Plan->External)
        return Status == STATUS_FILE_DELETED_VALUE && Cases->Executor.Device != NULL &&
               !DeviceAnswers(Cases->Executor.Device);
    if (Cases->Executor.Unloaded)
        return FALSE;
    if (Status == STATUS_FILE_DELETED_VALUE)
        return DriverAsk(name, &report) == ERROR_SUCCESS && report.State != SERVICE_RUNNING;
    return DriverLost(name);
}

/*
 * Did the driver go down under a step of the agent's? Then what the step reports is no answer: where Wine's
 * host of a driver dies, the request that it was in ends with STATUS_FILE_DELETED, and a program that made it
 * fails somehow.
 */
static BOOL TookDriver(const CASES *Cases, const WSKP_UNIT *Unit, const WSKT_RESULT *Result)
{
    const WSKP_STEP *step = &Cases->Plan->Step[Unit->FirstStep];
    const WSKT_UNIT_RESULT answer = {
        .StepCount = 1, .Completed = Unit->Parallel, .FailedStep = -1, .Result = {*Result}};
    const WSKT_KEPT none = {0}; /* the agent's own steps take nothing */

    if (Result->Origin != WSKT_ORIGIN_CALL || StepIsExpected(Unit, step, &none, &answer, 0))
        return FALSE;
    return DriverWent(Cases, Result->Status);
}

/* The unit that DriverEntry is to run, where the one before it starts the driver; NULL where there is none.
 */
static const WSKP_UNIT *AtStart(const CASES *Cases, const CASE_RUN *Run, UINT32 Index)
{
    const WSKP_UNIT *next = &Cases->Plan->Unit[Run->Case->FirstUnit + Index + 1];

    return Index + 1 < Run->Case->UnitCount && (next->Flags & WSKP_UNIT_AT_START) != 0 ? next : NULL;
}

/* Reboots the guest: where that works, nobody comes back from here. */
static WHY Reboot(CASES *Cases, CASE_RUN *Run, UINT32 Index, const WSKT_UNIT *Steps, DWORD Bytes)
{
    const WSKP_UNIT *unit = &Cases->Plan->Unit[Run->Case->FirstUnit + Index];
    REBOOT_POINT point = {.Case = Run->Index,
                          .Unit = Index,
                          .FirstStep = Run->FirstStep,
                          .Ran = Run->Ran,
                          .Ended = Cases->Ended,
                          .Unready = Cases->Unready,
                          .Changes = Run->Changes,
                          .CaseMs = Run->Begin};
    const WSKP_STEP *step = &Cases->Plan->Step[unit->FirstStep];
    WSKT_RESULT result;
    TEXT *line;

    DeviceClose(Cases->Executor.Device);
    Cases->Executor.Device = NULL;
    line = JournalEvent(Cases->Journal, "reboot");
    JsonU64(line, "n", Run->Index);
    JsonU64(line, "step", Run->FirstStep);
    JournalWrite(Cases->Journal);
    if (Cases->Journal->Error != ERROR_SUCCESS)
        return WHY_CANCELLED;
    if (LeaseLost(Cases->Files->Lease)) /* it would be another's run that is cut off */
        return WHY_LEASE;
    if (Restart(&Cases->Executor, Cases->Files, Cases->Journal, &point, &step->Step, Steps, Bytes,
                Cases->Cancel, &result))
        return WHY_REBOOT;
    return WriteAgentStep(Cases, Run, unit, &result);
}

/* What the step wrote comes before what became of it. */
static void WriteOutputs(CASES *Cases, const CASE_RUN *Run)
{
    static const char *const names[OUTPUT_COUNT] = {"stdout", "stderr", "report"};

    for (size_t i = 0; i < OUTPUT_COUNT; i++)
        OutputWrite(Cases->Journal, Run->Index, Run->FirstStep, names[i], &Cases->Executor.Kept[i]);
}

static void DropOutputs(CASES *Cases)
{
    for (size_t i = 0; i < OUTPUT_COUNT; i++) {
        free(Cases->Executor.Kept[i].Data);
        Cases->Executor.Kept[i] = (CAPTURE){0};
    }
}

/* A loop of the agent's. */
static WHY RunLoop(CASES *Cases, CASE_RUN *Run, const WSKP_UNIT *Unit, UINT32 TimeoutMs)
{
    UINT64 reply[DEVICE_REPLY_BYTES / sizeof(UINT64) + 1] = {0};
    WSKT_UNIT_RESULT *answer = (WSKT_UNIT_RESULT *)reply;
    CAPTURE kept[WSKT_MAX_STEPS] = {0};
    const LOOP_ORDER order = {.Plan = Cases->Plan,
                              .Unit = Unit,
                              .TimeoutMs = TimeoutMs,
                              .Cancel = Cases->Cancel,
                              .Handles = &Cases->Executor.Handles};
    LOOP_END end = LoopRun(&order, answer, kept);
    BOOL good;

    Run->IoError = ERROR_NOT_ENOUGH_MEMORY;
    if (end == LOOP_NOT_BEGUN)
        return EndsIn(Run, Unit->StepCount, WHY_IO);
    if (answer->FailedStep >= 0 && DriverWent(Cases, answer->Result[answer->FailedStep].Status)) {
        Run->IoError = ERROR_SERVICE_NOT_ACTIVE;
        for (UINT32 i = 0; i < Unit->StepCount; i++)
            free(kept[i].Data);
        return EndsIn(Run, Unit->StepCount, WHY_IO);
    }
    good = WriteSteps(Cases, Run, Unit, answer, kept);
    if (end == LOOP_STUCK)
        return EndsIn(Run, Unit->StepCount, WHY_HANG);
    if (good)
        return WHY_DONE;
    if (end == LOOP_CANCELLED && answer->FailedStep < 0)
        return WHY_CANCELLED;
    return TimeoutMs < Unit->TimeoutMs && RanOutOfTime(answer) ? EndsOutOfTime(Run, answer) : WHY_DEVIATION;
}

static WHY RunAgentStep(CASES *Cases, CASE_RUN *Run, UINT32 Index)
{
    const WSKP_UNIT *unit = &Cases->Plan->Unit[Run->Case->FirstUnit + Index],
                    *next = AtStart(Cases, Run, Index);
    const WSKP_STEP *step = &Cases->Plan->Step[unit->FirstStep];
    UINT64 buffer[DEVICE_UNIT_BYTES / sizeof(UINT64) + 1];
    WSKT_UNIT *steps = NULL;
    WSKT_RESULT result;
    DWORD bytes = 0;

    if (next != NULL) {
        steps = (WSKT_UNIT *)buffer;
        bytes = FillUnit(Cases->Plan, Run->Index, Run->FirstStep + 1, next, next->TimeoutMs, steps);
    }
    if (StepIs(&step->Step, STEP_REBOOTS))
        return Reboot(Cases, Run, Index, steps, bytes);
    Cases->Executor.SinceMs = JournalMs(Cases->Journal) - Run->Begin;
    Execute(&Cases->Executor, step, steps, bytes, &result);
    if (TookDriver(Cases, unit, &result)) {
        Run->IoError = ERROR_SERVICE_NOT_ACTIVE;
        DropOutputs(Cases);
        return EndsIn(Run, 1, WHY_IO);
    }
    WriteOutputs(Cases, Run);
    return WriteAgentStep(Cases, Run, unit, &result);
}

WHY RunUnit(CASES *Cases, CASE_RUN *Run, UINT32 Index)
{
    const WSKP_UNIT *unit = &Cases->Plan->Unit[Run->Case->FirstUnit + Index];
    UINT64 left = CaseLeftMs(Cases, Run);
    UINT32 limit = left < unit->TimeoutMs ? (UINT32)left : unit->TimeoutMs;
    BOOL own = Cases->Plan->Step[unit->FirstStep].Performer == WSKP_BY_AGENT;

    if (left == 0)
        return WHY_TIMEOUT;
    if (own && UnitLoops(unit))
        return RunLoop(Cases, Run, unit, limit);
    return own ? RunAgentStep(Cases, Run, Index) : AskDriver(Cases, Run, unit, limit);
}
