/* plancheck.c - checks that the cases, batches and steps of a plan are such that this agent can run them. */
#include "plancheck.h"
#include "loop.h"
#include "step.h"
#include "wskjudge.h"

/* "<what> <index>: <why>" */
static BOOL RefuseAt(TEXT *Reason, const char *What, UINT32 Index, const char *Why)
{
    TextAdd(Reason, What);
    TextAdd(Reason, " ");
    TextAddU64(Reason, Index);
    TextAdd(Reason, ": ");
    return PlanUnfit(Reason, Why);
}

static BOOL CheckCases(const PLAN *Plan, TEXT *Reason)
{
    const WSKP_HEADER *header = Plan->Header;

    for (UINT32 i = 0; i < header->CaseCount; i++) {
        const WSKP_CASE *entry = &Plan->Case[i];

        if (PlanString(header, entry->Name) == NULL)
            return RefuseAt(Reason, "case", i, "its name is out of bounds");
        if (entry->BatchCount == 0 || entry->FirstBatch > header->BatchCount ||
            entry->BatchCount > header->BatchCount - entry->FirstBatch)
            return RefuseAt(Reason, "case", i, "its batches are missing or out of bounds");
        if (entry->TearDownCount > entry->BatchCount)
            return RefuseAt(Reason, "case", i, "its tear-down has more batches than the case");
        if (entry->TimeoutMs == 0 || entry->TimeoutMs > WSKP_MAX_WAIT_MS ||
            entry->TearDownMs > WSKP_MAX_WAIT_MS)
            return RefuseAt(Reason, "case", i, "its time is out of range");
        if (entry->Suite > WSKP_MAX_SUITES || entry->Role > WSKP_ROLE_TEAR_DOWN ||
            (entry->Role != WSKP_ROLE_CASE && entry->Suite == 0))
            return RefuseAt(Reason, "case", i, "its suite or its role there is none that this agent knows");
    }
    return TRUE;
}

/* The steps of a batch have one executor, and those of the agent a batch each, but for loops. */
static BOOL ExecutorsFit(const PLAN *Plan, const WSKP_BATCH *Batch)
{
    const WSKP_STEP *step = &Plan->Step[Batch->FirstStep];

    if (step->Executor == WSKP_BY_AGENT)
        return BatchLoops(Batch) ? LoopKnows(Plan, Batch) : (Batch->Flags & ~WSKP_BATCH_HEALTH) == 0;
    for (UINT32 i = 0; i < Batch->StepCount; i++) {
        if (step[i].Executor != WSKP_BY_DRIVER)
            return FALSE;
    }
    return TRUE;
}

static BOOL StartsDriver(const PLAN *Plan, const WSKP_BATCH *Batch)
{
    const WSKP_STEP *step = &Plan->Step[Batch->FirstStep];

    return step->Executor == WSKP_BY_AGENT && StepIs(&step->Step, STEP_STARTS);
}

/* What DriverEntry is to run comes behind the step that starts the driver. */
static BOOL CheckStarts(const PLAN *Plan, TEXT *Reason)
{
    for (UINT32 i = 0; i < Plan->Header->CaseCount; i++) {
        const WSKP_BATCH *batch = &Plan->Batch[Plan->Case[i].FirstBatch];

        for (UINT32 j = 0; j < Plan->Case[i].BatchCount; j++) {
            if ((batch[j].Flags & WSKP_BATCH_AT_START) != 0 && (j == 0 || !StartsDriver(Plan, &batch[j - 1])))
                return RefuseAt(Reason, "case", i,
                                "nothing starts the driver that is to run a batch at its start");
            if (j < Plan->Case[i].BatchCount - Plan->Case[i].TearDownCount &&
                (batch[j].Flags & WSKP_BATCH_HEALTH) != 0)
                return RefuseAt(Reason, "case", i, "its health check is not behind its steps");
        }
    }
    return TRUE;
}

static UINT32 BatchMaxMs(const PLAN *Plan, const WSKP_BATCH *Batch)
{
    return Plan->Step[Batch->FirstStep].Executor == WSKP_BY_AGENT ? WSKP_MAX_WAIT_MS : WSKT_MAX_BATCH_MS;
}

static BOOL CheckBatches(const PLAN *Plan, TEXT *Reason)
{
    const WSKP_HEADER *header = Plan->Header;

    for (UINT32 i = 0; i < header->BatchCount; i++) {
        const WSKP_BATCH *batch = &Plan->Batch[i];

        if (batch->StepCount == 0 || batch->StepCount > WSKT_MAX_STEPS ||
            batch->FirstStep > header->StepCount || batch->StepCount > header->StepCount - batch->FirstStep)
            return RefuseAt(Reason, "batch", i, "its steps are missing, too many or out of bounds");
        if (batch->Repeat == 0 || batch->Parallel == 0 || batch->Parallel > WSKT_MAX_PARALLEL)
            return RefuseAt(Reason, "batch", i, "its repetitions or threads are out of range");
        if (batch->ForMs > batch->TimeoutMs || batch->Groups > WSKT_MAX_STEPS)
            return RefuseAt(Reason, "batch", i, "its duration or its groups are out of range");
        if (batch->TimeoutMs == 0 || batch->TimeoutMs > BatchMaxMs(Plan, batch))
            return RefuseAt(Reason, "batch", i, "its time is out of range");
        if ((batch->Flags & ~WSKP_BATCH_FLAGS) != 0 || !ExecutorsFit(Plan, batch))
            return RefuseAt(Reason, "batch", i, "its flags or executors are none that this agent knows");
    }
    return CheckStarts(Plan, Reason);
}

static BOOL CheckIsKnown(const WSKT_CHECK *Check)
{
    if (Check->Compare < WSKT_EQ || Check->Compare > WSKT_HAS)
        return FALSE;
    return Check->Value < WSKT_MAX_VALUES || Check->Value == WSKT_VALUE_ELAPSED_NS ||
           Check->Value == WSKT_VALUE_MAX_NS;
}

/* Does the step take what an earlier one reported, or is it kept for a later one? */
static BOOL Takes(const WSKT_STEP *Step)
{
    BOOL takes = Step->Keep != 0 || Step->From != 0;

    for (UINT32 i = 0; i < Step->CheckCount; i++)
        takes = takes || Step->Check[i].From != 0;
    return takes;
}

static BOOL CheckSteps(const PLAN *Plan, TEXT *Reason)
{
    for (UINT32 i = 0; i < Plan->Header->StepCount; i++) {
        const WSKP_STEP *own = &Plan->Step[i];
        const WSKT_STEP *step = &own->Step;

        if (step->ExpectCount > WSKT_MAX_EXPECT || step->NextCount > step->ExpectCount ||
            step->CheckCount > WSKT_MAX_CHECKS)
            return RefuseAt(Reason, "step", i, "it has too many statuses or checks");
        if (!WsktTakesSoundly(step) || (own->Executor == WSKP_BY_AGENT && Takes(step)))
            return RefuseAt(Reason, "step", i, "it keeps or takes a value that it can't");
        if (PlanString(Plan->Header, own->Text) == NULL)
            return RefuseAt(Reason, "step", i, "its text is out of bounds");
        if (own->Executor == WSKP_BY_AGENT &&
            (Plan->DriverPath == NULL || !StepFits(step, PlanWords(Plan, own->Text))))
            return RefuseAt(Reason, "step", i, "it is not one that this agent can execute");
        if (Plan->External && own->Executor != WSKP_BY_AGENT)
            return RefuseAt(Reason, "step", i, "it is one of the sample driver, and this is another");
        if (Plan->NeverUnload && own->Executor == WSKP_BY_AGENT && StepIs(step, STEP_STOPS))
            return RefuseAt(Reason, "step", i, "it unloads a driver that is never to be unloaded");
        for (UINT32 j = 0; j < step->CheckCount; j++) {
            if (!CheckIsKnown(&step->Check[j]))
                return RefuseAt(Reason, "step", i, "it has a check that this agent does not know");
        }
    }
    return TRUE;
}

BOOL PlanLoad(PLAN *Plan, const wchar_t *Path, TEXT *Reason)
{
    return PlanRead(Plan, Path, Reason) && CheckCases(Plan, Reason) && CheckBatches(Plan, Reason) &&
           CheckSteps(Plan, Reason);
}
