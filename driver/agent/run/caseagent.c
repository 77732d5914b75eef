/* caseagent.c - runs one batch of a case by the agent itself: a step, or a loop. */
#include "caseagent.h"
#include "casedriver.h"
#include "driver.h"
#include "judge.h"
#include "lease.h"
#include "loop.h"
#include "output.h"
#include "restart.h"
#include "status.h"

#include <stdlib.h>

WHY WriteAgentStep(CASES *Cases, CASE_RUN *Run, const WSKP_BATCH *Batch, const WSKT_RESULT *Result)
{
    WSKT_BATCH_RESULT answer = {
        .Abi = WSKT_ABI, .StepCount = 1, .Completed = 1, .FailedStep = -1, .Result = {*Result}};

    if (WriteSteps(Cases, Run, Batch, &answer, NULL))
        return WHY_DONE;
    if (Result->Status == WSKP_STATUS_OF_WIN32(ERROR_CANCELLED) && Cases->Executor.Cancel != NULL &&
        WaitForSingleObject(Cases->Executor.Cancel, 0) == WAIT_OBJECT_0)
        return WHY_CANCELLED; /* its program was ended */
    if (Result->Origin == WSKT_ORIGIN_TIMEOUT &&
        ExecutorHangs(&Cases->Executor, &Cases->Plan->Step[Batch->FirstStep].Step))
        return EndsIn(Run, 1, WHY_HANG);
    return WHY_DEVIATION;
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
static BOOL TookDriver(const CASES *Cases, const WSKP_BATCH *Batch, const WSKT_RESULT *Result)
{
    const WSKP_STEP *step = &Cases->Plan->Step[Batch->FirstStep];
    const WSKT_BATCH_RESULT answer = {
        .StepCount = 1, .Completed = Batch->Parallel, .FailedStep = -1, .Result = {*Result}};
    const WSKT_KEPT none = {0}; /* the agent's own steps take nothing */

    if (Result->Origin != WSKT_ORIGIN_CALL || StepIsExpected(Batch, step, &none, &answer, 0))
        return FALSE;
    return DriverWent(Cases, Result->Status);
}

/* The batch that DriverEntry is to run, where the one before it starts the driver; NULL where there is none.
 */
static const WSKP_BATCH *AtStart(const CASES *Cases, const CASE_RUN *Run, UINT32 Index)
{
    const WSKP_BATCH *next = &Cases->Plan->Batch[Run->Case->FirstBatch + Index + 1];

    return Index + 1 < Run->Case->BatchCount && (next->Flags & WSKP_BATCH_AT_START) != 0 ? next : NULL;
}

/* Reboots the guest: where that works, nobody comes back from here. */
static WHY Reboot(CASES *Cases, CASE_RUN *Run, UINT32 Index, const WSKT_BATCH *Steps, DWORD Bytes)
{
    const WSKP_BATCH *batch = &Cases->Plan->Batch[Run->Case->FirstBatch + Index];
    REBOOT_POINT point = {.Case = Run->Index,
                          .Batch = Index,
                          .FirstStep = Run->FirstStep,
                          .Ran = Run->Ran,
                          .Ended = Cases->Ended,
                          .Unready = Cases->Unready,
                          .Changes = Run->Changes,
                          .CaseMs = Run->Begin};
    const WSKP_STEP *step = &Cases->Plan->Step[batch->FirstStep];
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
    return WriteAgentStep(Cases, Run, batch, &result);
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

WHY RunLoop(CASES *Cases, CASE_RUN *Run, const WSKP_BATCH *Batch, UINT32 TimeoutMs)
{
    UINT64 reply[DEVICE_REPLY_BYTES / sizeof(UINT64) + 1] = {0};
    WSKT_BATCH_RESULT *answer = (WSKT_BATCH_RESULT *)reply;
    CAPTURE kept[WSKT_MAX_STEPS] = {0};
    const LOOP_ORDER order = {.Plan = Cases->Plan,
                              .Batch = Batch,
                              .TimeoutMs = TimeoutMs,
                              .Cancel = Cases->Cancel,
                              .Handles = &Cases->Executor.Handles};
    LOOP_END end = LoopRun(&order, answer, kept);
    BOOL good;

    Run->IoError = ERROR_NOT_ENOUGH_MEMORY;
    if (end == LOOP_NOT_BEGUN)
        return EndsIn(Run, Batch->StepCount, WHY_IO);
    if (answer->FailedStep >= 0 && DriverWent(Cases, answer->Result[answer->FailedStep].Status)) {
        Run->IoError = ERROR_SERVICE_NOT_ACTIVE;
        for (UINT32 i = 0; i < Batch->StepCount; i++)
            free(kept[i].Data);
        return EndsIn(Run, Batch->StepCount, WHY_IO);
    }
    good = WriteSteps(Cases, Run, Batch, answer, kept);
    if (end == LOOP_STUCK)
        return EndsIn(Run, Batch->StepCount, WHY_HANG);
    if (good)
        return WHY_DONE;
    if (end == LOOP_CANCELLED && answer->FailedStep < 0)
        return WHY_CANCELLED;
    return EndsDeviating(Run, Batch, answer, TimeoutMs);
}

WHY RunAgentStep(CASES *Cases, CASE_RUN *Run, UINT32 Index)
{
    const WSKP_BATCH *batch = &Cases->Plan->Batch[Run->Case->FirstBatch + Index],
                     *next = AtStart(Cases, Run, Index);
    const WSKP_STEP *step = &Cases->Plan->Step[batch->FirstStep];
    UINT64 buffer[DEVICE_BATCH_BYTES / sizeof(UINT64) + 1];
    WSKT_BATCH *steps = NULL;
    WSKT_RESULT result;
    DWORD bytes = 0;

    if (next != NULL) {
        steps = (WSKT_BATCH *)buffer;
        bytes = FillBatch(Cases->Plan, Run->Index, Run->FirstStep + 1, next, next->TimeoutMs, steps);
    }
    if (StepIs(&step->Step, STEP_REBOOTS))
        return Reboot(Cases, Run, Index, steps, bytes);
    Cases->Executor.SinceMs = JournalMs(Cases->Journal) - Run->Begin;
    Execute(&Cases->Executor, step, steps, bytes, &result);
    if (TookDriver(Cases, batch, &result)) {
        Run->IoError = ERROR_SERVICE_NOT_ACTIVE;
        DropOutputs(Cases);
        return EndsIn(Run, 1, WHY_IO);
    }
    WriteOutputs(Cases, Run);
    return WriteAgentStep(Cases, Run, batch, &result);
}
