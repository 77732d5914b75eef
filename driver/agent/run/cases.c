/* cases.c - runs the cases of a plan, one after the other: their batches, their tear-down, their end. */
#include "caseagent.h"
#include "casedriver.h"
#include "caseend.h"
#include "faults.h"
#include "lease.h"
#include "loop.h"
#include "restart.h"
#include "undo.h"

static UINT64 CaseLeftMs(const CASES *Cases, const CASE_RUN *Run)
{
    UINT64 now = JournalMs(Cases->Journal);

    return now < Run->Deadline ? Run->Deadline - now : 0;
}

/* Runs a batch, with no more time than the case has left, and writes what its steps came to. */
static WHY RunBatch(CASES *Cases, CASE_RUN *Run, UINT32 Index)
{
    const WSKP_BATCH *batch = &Cases->Plan->Batch[Run->Case->FirstBatch + Index];
    UINT64 left = CaseLeftMs(Cases, Run);
    UINT32 limit = left < batch->TimeoutMs ? (UINT32)left : batch->TimeoutMs;
    BOOL own = Cases->Plan->Step[batch->FirstStep].Executor == WSKP_BY_AGENT;

    if (left == 0)
        return WHY_TIMEOUT;
    if (own && BatchLoops(batch))
        return RunLoop(Cases, Run, batch, limit);
    return own ? RunAgentStep(Cases, Run, Index) : RunDriverBatch(Cases, Run, batch, limit);
}

/* Runs the batches before the tear-down, up to the first that does not go well. */
static WHY RunBatches(CASES *Cases, CASE_RUN *Run, UINT32 First)
{
    Run->Deadline = Run->Begin + Run->Case->TimeoutMs;
    Cases->Executor.Cancel = Cases->Cancel;
    for (UINT32 i = First; i < Run->Case->BatchCount - Run->Case->TearDownCount; i++) {
        WHY why;

        if (WaitForSingleObject(Cases->Cancel, 0) == WAIT_OBJECT_0)
            return WHY_CANCELLED;
        why = RunBatch(Cases, Run, i);
        if (why != WHY_DONE || Cases->Journal->Error != ERROR_SUCCESS)
            return why;
        Run->FirstStep += Cases->Plan->Batch[Run->Case->FirstBatch + i].StepCount;
    }
    return WHY_DONE;
}

/*
 * Runs every batch of the tear-down, each for its own part, in a time of its own, and returns why the case
 * ends: the first cause stands. After a hang, or without a device, nothing can be undone.
 */
static WHY TearDown(CASES *Cases, CASE_RUN *Run, WHY Why)
{
    UINT32 first = Run->Case->BatchCount - Run->Case->TearDownCount;

    Run->Deadline = JournalMs(Cases->Journal) + Run->Case->TearDownMs;
    Cases->Executor.Cancel = NULL; /* what undoes things runs to its end */
    if (Why == WHY_HANG || Why == WHY_IO)
        return Why;
    Run->FirstStep = 0;
    for (UINT32 i = 0; i < first; i++)
        Run->FirstStep += Cases->Plan->Batch[Run->Case->FirstBatch + i].StepCount;
    for (UINT32 i = first; i < Run->Case->BatchCount; i++) {
        UINT32 underFirst = Run->UnderFirst, underCount = Run->UnderCount;
        WHY why;

        if (Why == WHY_HANG || Why == WHY_IO || Cases->Journal->Error != ERROR_SUCCESS)
            return Why;
        why = RunBatch(Cases, Run, i);
        if (why != WHY_DONE && (Cases->Plan->Batch[Run->Case->FirstBatch + i].Flags & WSKP_BATCH_HEALTH) != 0)
            Run->Unhealthy = TRUE;
        if (Why == WHY_DONE || why == WHY_HANG || why == WHY_IO) {
            Why = why;
        } else {
            Run->UnderFirst = underFirst;
            Run->UnderCount = underCount;
        }
        Run->FirstStep += Cases->Plan->Batch[Run->Case->FirstBatch + i].StepCount;
    }
    return Why;
}

static UINT64 SuiteBit(const WSKP_CASE *Case) { return Case->Suite == 0 ? 0 : 1ull << (Case->Suite - 1); }

static CASES_END FinishCase(CASES *Cases, CASE_RUN *Run, WHY Why)
{
    CASES_END end;

    if (Why == WHY_LEASE)
        return CASES_LEASE;
    if (Why != WHY_REBOOT && Why != WHY_UNREADY)
        Why = TearDown(Cases, Run, Why);
    if (Why == WHY_REBOOT)
        return CASES_REBOOTING;
    end = EndCase(Cases, Run, &Why);
    if (end == CASES_DONE && Run->Unhealthy)
        end = CASES_TAINTED;
    if (Why != WHY_HANG) /* else something may still be at work there */
        FoldersEmpty(Cases->Files->Journal, Run->Case, Run->Index);
    if (Run->Case->Role == WSKP_ROLE_SET_UP && Why != WHY_DONE)
        Cases->Unready |= SuiteBit(Run->Case);
    WriteCaseEnd(Cases, Run, Why);
    return Cases->Journal->Error == ERROR_SUCCESS || end == CASES_TAINTED ? end : CASES_JOURNAL;
}

static CASES_END RunCase(CASES *Cases, UINT32 Index)
{
    CASE_RUN run = {.Case = &Cases->Plan->Case[Index],
                    .Index = Index,
                    .Begin = JournalMs(Cases->Journal),
                    .Changes = UndoMark()};
    WHY why = WHY_CANCELLED;

    Cases->Executor.Case = Index;
    WriteCaseStart(Cases, &run);
    if (Cases->Journal->Error == ERROR_SUCCESS) {
        if (run.Case->Role == WSKP_ROLE_CASE && (Cases->Unready & SuiteBit(run.Case)) != 0)
            why = WHY_UNREADY;
        else
            why = RunBatches(Cases, &run, 0);
    }
    return FinishCase(Cases, &run, why);
}

/* The case whose step rebooted the guest, from that step on. */
static CASES_END ResumeCase(CASES *Cases, const REBOOT_POINT *From)
{
    CASE_RUN run = {.Case = &Cases->Plan->Case[From->Case],
                    .Index = From->Case,
                    .Ran = From->Ran,
                    .FirstStep = From->FirstStep,
                    .Begin = From->CaseMs,
                    .Changes = From->Changes};
    const WSKP_BATCH *batch = &Cases->Plan->Batch[run.Case->FirstBatch + From->Batch];
    WSKT_RESULT result;
    WHY why;

    Cases->Executor.Case = From->Case;
    Restarted(&Cases->Executor, From, &Cases->Plan->Step[batch->FirstStep].Step, &result);
    why = WriteAgentStep(Cases, &run, batch, &result);
    if (why == WHY_DONE && Cases->Journal->Error == ERROR_SUCCESS) {
        run.FirstStep++;
        why = RunBatches(Cases, &run, From->Batch + 1);
    }
    return FinishCase(Cases, &run, why);
}

BOOL CasesHave(const PLAN *Plan, const REBOOT_POINT *Point)
{
    const WSKP_STEP *step;

    if (Point->Case >= Plan->Header->CaseCount ||
        Point->Batch >= Plan->Case[Point->Case].BatchCount - Plan->Case[Point->Case].TearDownCount)
        return FALSE;
    step = &Plan->Step[Plan->Batch[Plan->Case[Point->Case].FirstBatch + Point->Batch].FirstStep];
    return step->Executor == WSKP_BY_AGENT && StepIs(&step->Step, STEP_REBOOTS);
}

CASES_END CasesRun(CASES *Cases, const REBOOT_POINT *From)
{
    UINT32 next = 0;

    if (From != NULL) {
        CASES_END end;

        Cases->Ended = From->Ended;
        Cases->Unready = From->Unready;
        end = ResumeCase(Cases, From);
        if (end != CASES_DONE)
            return end;
        next = From->Case + 1;
    }
    for (UINT32 i = next; i < Cases->Plan->Header->CaseCount; i++) {
        CASES_END end;

        if (i != 0)
            HoldBetween(Cases->Files->Journal, Cases->Cancel);
        if (WaitForSingleObject(Cases->Cancel, 0) == WAIT_OBJECT_0)
            return CASES_CANCELLED;
        if (LeaseLost(Cases->Files->Lease))
            return CASES_LEASE;
        end = RunCase(Cases, i);
        if (end != CASES_DONE)
            return end;
    }
    return CASES_DONE;
}
