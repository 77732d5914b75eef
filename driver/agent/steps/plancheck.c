/* plancheck.c - checks that the cases, units and steps of a plan are such that this agent can run them. */
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
        if (entry->UnitCount == 0 || entry->FirstUnit > header->UnitCount ||
            entry->UnitCount > header->UnitCount - entry->FirstUnit)
            return RefuseAt(Reason, "case", i, "its units are missing or out of bounds");
        if (entry->TearDownCount > entry->UnitCount)
            return RefuseAt(Reason, "case", i, "its tear-down has more units than the case");
        if (entry->TimeoutMs == 0 || entry->TimeoutMs > WSKP_MAX_WAIT_MS ||
            entry->TearDownMs > WSKP_MAX_WAIT_MS)
            return RefuseAt(Reason, "case", i, "its time is out of range");
        if (entry->Suite > WSKP_MAX_SUITES || entry->Role > WSKP_ROLE_TEAR_DOWN ||
            (entry->Role != WSKP_ROLE_CASE && entry->Suite == 0))
            return RefuseAt(Reason, "case", i, "its suite or its role there is none that this agent knows");
    }
    return TRUE;
}

/* The steps of a unit have one executor, and those of the agent a unit each, but for loops. */
static BOOL ExecutorsFit(const PLAN *Plan, const WSKP_UNIT *Unit)
{
    const WSKP_STEP *step = &Plan->Step[Unit->FirstStep];

    if (step->Performer == WSKP_BY_AGENT)
        return UnitLoops(Unit) ? LoopKnows(Plan, Unit) : (Unit->Flags & ~WSKP_UNIT_HEALTH) == 0;
    for (UINT32 i = 0; i < Unit->StepCount; i++) {
        if (step[i].Performer != WSKP_BY_DRIVER)
            return FALSE;
    }
    return TRUE;
}

static BOOL StartsDriver(const PLAN *Plan, const WSKP_UNIT *Unit)
{
    const WSKP_STEP *step = &Plan->Step[Unit->FirstStep];

    return step->Performer == WSKP_BY_AGENT && StepIs(&step->Step, STEP_STARTS);
}

/* What DriverEntry is to run comes behind the step that starts the driver. */
static BOOL CheckStarts(const PLAN *Plan, TEXT *Reason)
{
    for (UINT32 i = 0; i < Plan->Header->CaseCount; i++) {
        const WSKP_UNIT *unit = &Plan->Unit[Plan->Case[i].FirstUnit];

        for (UINT32 j = 0; j < Plan->Case[i].UnitCount; j++) {
            if ((unit[j].Flags & WSKP_UNIT_AT_START) != 0 && (j == 0 || !StartsDriver(Plan, &unit[j - 1])))
                return RefuseAt(Reason, "case", i,
                                "nothing starts the driver that is to run a unit at its start");
            if (j < Plan->Case[i].UnitCount - Plan->Case[i].TearDownCount &&
                (unit[j].Flags & WSKP_UNIT_HEALTH) != 0)
                return RefuseAt(Reason, "case", i, "its health check is not behind its steps");
        }
    }
    return TRUE;
}

static UINT32 UnitMaxMs(const PLAN *Plan, const WSKP_UNIT *Unit)
{
    return Plan->Step[Unit->FirstStep].Performer == WSKP_BY_AGENT ? WSKP_MAX_WAIT_MS : WSKT_MAX_UNIT_MS;
}

static BOOL CheckUnits(const PLAN *Plan, TEXT *Reason)
{
    const WSKP_HEADER *header = Plan->Header;

    for (UINT32 i = 0; i < header->UnitCount; i++) {
        const WSKP_UNIT *unit = &Plan->Unit[i];

        if (unit->StepCount == 0 || unit->StepCount > WSKT_MAX_STEPS || unit->FirstStep > header->StepCount ||
            unit->StepCount > header->StepCount - unit->FirstStep)
            return RefuseAt(Reason, "unit", i, "its steps are missing, too many or out of bounds");
        if (unit->Repeat == 0 || unit->Parallel == 0 || unit->Parallel > WSKT_MAX_PARALLEL)
            return RefuseAt(Reason, "unit", i, "its repetitions or threads are out of range");
        if (unit->ForMs > unit->TimeoutMs || unit->Groups > WSKT_MAX_STEPS)
            return RefuseAt(Reason, "unit", i, "its duration or its groups are out of range");
        if (unit->TimeoutMs == 0 || unit->TimeoutMs > UnitMaxMs(Plan, unit))
            return RefuseAt(Reason, "unit", i, "its time is out of range");
        if ((unit->Flags & ~WSKP_UNIT_FLAGS) != 0 || !ExecutorsFit(Plan, unit))
            return RefuseAt(Reason, "unit", i, "its flags or executors are none that this agent knows");
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
        if (!WsktTakesSoundly(step) || (own->Performer == WSKP_BY_AGENT && Takes(step)))
            return RefuseAt(Reason, "step", i, "it keeps or takes a value that it can't");
        if (PlanString(Plan->Header, own->Text) == NULL)
            return RefuseAt(Reason, "step", i, "its text is out of bounds");
        if (own->Performer == WSKP_BY_AGENT &&
            (Plan->DriverPath == NULL || !StepFits(step, PlanWords(Plan, own->Text))))
            return RefuseAt(Reason, "step", i, "it is not one that this agent can execute");
        if (Plan->External && own->Performer != WSKP_BY_AGENT)
            return RefuseAt(Reason, "step", i, "it is one of the sample driver, and this is another");
        if (Plan->NeverUnload && own->Performer == WSKP_BY_AGENT && StepIs(step, STEP_STOPS))
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
    return PlanRead(Plan, Path, Reason) && CheckCases(Plan, Reason) && CheckUnits(Plan, Reason) &&
           CheckSteps(Plan, Reason);
}
