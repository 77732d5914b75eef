/* plan.c - reads a compiled plan and checks every bound of it. */
#include "plan.h"
#include "complain.h"
#include "digest.h"
#include "generic.h"
#include "loop.h"
#include "path.h"
#include "perform.h"
#include "service.h"
#include "settings.h"
#include "stream.h"
#include "wskjudge.h"

#include <stdlib.h>

C_ASSERT(sizeof(WSKT_STEP) == 192);
C_ASSERT(sizeof(WSKP_STEP) == 200);
C_ASSERT(sizeof(WSKT_RESULT) == 136);
C_ASSERT(sizeof(WSKP_HEADER) == 112);

static BOOL PlanUnfit(TEXT *Reason, const char *What)
{
    TextAdd(Reason, What);
    return FALSE;
}

/* "<what> <index>: <why>" */
static BOOL RefuseAt(TEXT *Reason, const char *What, UINT32 Index, const char *Why)
{
    TextAdd(Reason, What);
    TextAdd(Reason, " ");
    TextAddU64(Reason, Index);
    TextAdd(Reason, ": ");
    return PlanUnfit(Reason, Why);
}

static BOOL CheckHeader(const WSKP_HEADER *Header, size_t Size, TEXT *Reason)
{
    const UINT32 zero = 0;
    const UINT8 *data = (const UINT8 *)Header;
    UINT32 crc;

    if (Header->Magic != WSKP_MAGIC)
        return PlanUnfit(Reason, "it is not a plan");
    if (Header->Version != WSKP_VERSION)
        return PlanUnfit(Reason, "it is of another version of the plan's layout");
    if (Header->Abi != WSKT_ABI)
        return PlanUnfit(Reason, "it is for another ABI of the driver");
    if (Header->FileSize != Size)
        return PlanUnfit(Reason, "it is longer or shorter than it says");
    crc = Crc32(0, data, FIELD_OFFSET(WSKP_HEADER, Crc32));
    crc = Crc32(crc, &zero, sizeof zero);
    crc =
        Crc32(crc, data + FIELD_OFFSET(WSKP_HEADER, CaseCount), Size - FIELD_OFFSET(WSKP_HEADER, CaseCount));
    if (crc != Header->Crc32)
        return PlanUnfit(Reason, "its checksum is wrong");
    if (Header->StartTimeoutMs == 0 || Header->StartTimeoutMs > WSKT_MAX_WAIT_MS ||
        Header->StopTimeoutMs == 0 || Header->StopTimeoutMs > WSKT_MAX_WAIT_MS)
        return PlanUnfit(Reason, "the time to start or stop the driver is out of range");
    return TRUE;
}

static BOOL TableFits(size_t Size, UINT32 Offset, UINT32 Count, size_t Entry)
{
    return Offset >= sizeof(WSKP_HEADER) && Offset % 8 == 0 && Offset <= Size &&
           Count <= (Size - Offset) / Entry;
}

static BOOL CheckTables(const WSKP_HEADER *Header, size_t Size, TEXT *Reason)
{
    if (!TableFits(Size, Header->CaseOffset, Header->CaseCount, sizeof(WSKP_CASE)) || Header->CaseCount == 0)
        return PlanUnfit(Reason, "its table of cases is empty or out of bounds");
    if (!TableFits(Size, Header->UnitOffset, Header->UnitCount, sizeof(WSKP_UNIT)))
        return PlanUnfit(Reason, "its table of units is out of bounds");
    if (!TableFits(Size, Header->StepOffset, Header->StepCount, sizeof(WSKP_STEP)))
        return PlanUnfit(Reason, "its table of steps is out of bounds");
    if (Header->StringOffset > Size || Header->StringBytes > Size - Header->StringOffset ||
        Header->StringBytes == 0 ||
        ((const char *)Header)[Header->StringOffset + Header->StringBytes - 1] != '\0')
        return PlanUnfit(Reason, "its strings are out of bounds");
    return TRUE;
}

/* NULL when it is out of bounds. */
static const char *StringAt(const WSKP_HEADER *Header, UINT32 Offset)
{
    return Offset < Header->StringBytes ? (const char *)Header + Header->StringOffset + Offset : NULL;
}

WORDS PlanWords(const PLAN *Plan, UINT32 Offset)
{
    const char *strings = (const char *)Plan->Header + Plan->Header->StringOffset;

    return (WORDS){.At = strings + Offset, .End = strings + Plan->Header->StringBytes};
}

static BOOL IsPlainText(const char *Text, size_t CharsMax)
{
    size_t length = strlen(Text);

    for (size_t i = 0; i < length; i++) {
        if (Text[i] <= ' ' || Text[i] >= 0x7F || Text[i] == '"' || Text[i] == '\\')
            return FALSE;
    }
    return length != 0 && length <= CharsMax;
}

static BOOL ReadSettings(PLAN *Plan, TEXT *Reason)
{
    UINT32 flags = Plan->Header->Flags;

    if ((flags & ~(WSKP_PLAIN | WSKP_NEVER_UNLOAD)) != 0 || flags == WSKP_NEVER_UNLOAD)
        return PlanUnfit(Reason, "it has flags that this agent does not know, or not together");
    if (StringAt(Plan->Header, Plan->Header->Settings) == NULL)
        return PlanUnfit(Reason, "the settings of the driver's service are out of bounds");
    Plan->Plain = (flags & WSKP_PLAIN) != 0;
    Plan->NeverUnload = (flags & WSKP_NEVER_UNLOAD) != 0;
    if (!Plan->Plain)
        return TRUE;
    Plan->Settings = PlanWords(Plan, Plan->Header->Settings);
    if (!SettingsValid(Plan->Settings))
        return PlanUnfit(Reason, "the settings of the driver's service are none that this agent knows");
    return TRUE;
}

static BOOL ReadStrings(PLAN *Plan, TEXT *Reason)
{
    const WSKP_HEADER *header = Plan->Header;
    const char *path = StringAt(header, header->DriverPath);
    const char *name = StringAt(header, header->ServiceName);
    DWORD error;

    Plan->RunId = StringAt(header, header->RunId);
    if (Plan->RunId == NULL || !IsPlainText(Plan->RunId, PLAN_RUN_ID_CHARS_MAX))
        return PlanUnfit(Reason, "its run id is missing or not plain");
    if (path == NULL || name == NULL)
        return PlanUnfit(Reason, "its driver path or service name is out of bounds");
    if (path[0] == '\0')
        return TRUE;
    Plan->DriverPath = PathOpenUtf8(path, strlen(path), &error);
    if (Plan->DriverPath == NULL)
        return PlanUnfit(Reason, "its driver path is not absolute, on a drive, of plain components");
    if (MultiByteToWideChar(CP_UTF8, 0, name, -1, Plan->ServiceName, ARRAYSIZE(Plan->ServiceName)) == 0 ||
        !ServiceNameValid(Plan->ServiceName))
        return PlanUnfit(Reason, "its service name has other characters than letters, digits, '.', '_', '-'");
    return ReadSettings(Plan, Reason);
}

static BOOL CheckCases(const PLAN *Plan, TEXT *Reason)
{
    const WSKP_HEADER *header = Plan->Header;

    for (UINT32 i = 0; i < header->CaseCount; i++) {
        const WSKP_CASE *entry = &Plan->Case[i];

        if (StringAt(header, entry->Name) == NULL)
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

/* The steps of a unit have one performer, and those of the agent a unit each, but for loops. */
static BOOL PerformersFit(const PLAN *Plan, const WSKP_UNIT *Unit)
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

    return step->Performer == WSKP_BY_AGENT &&
           (step->Step.Op == WSKP_OP_LOAD || step->Step.Op == WSKP_OP_REBOOT);
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
        if ((unit->Flags & ~WSKP_UNIT_FLAGS) != 0 || !PerformersFit(Plan, unit))
            return RefuseAt(Reason, "unit", i, "its flags or performers are none that this agent knows");
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

/* A load stops what runs under the service's name. */
static BOOL Unloads(UINT32 Op)
{
    return Op == WSKP_OP_UNLOAD || Op == WSKP_OP_LOAD || Op == WSKP_OP_RELOAD || Op == WSKP_OP_START_FAILURES;
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
        if (StringAt(Plan->Header, own->Text) == NULL)
            return RefuseAt(Reason, "step", i, "its text is out of bounds");
        if (own->Performer == WSKP_BY_AGENT &&
            (Plan->DriverPath == NULL ||
             (!PerformKnows(own) && !GenericKnows(step, PlanWords(Plan, own->Text)))))
            return RefuseAt(Reason, "step", i, "it is not one that this agent can perform");
        if (Plan->Plain && own->Performer != WSKP_BY_AGENT)
            return RefuseAt(Reason, "step", i, "it is one of the sample driver, and this is another");
        if (Plan->NeverUnload && own->Performer == WSKP_BY_AGENT && Unloads(step->Op))
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
    const WSKP_HEADER *header;
    DWORD error;
    size_t size;

    *Plan = (PLAN){0};
    error = ReadWholeFile(Path, WSKP_MAX_FILE, &Plan->Data, &size);
    if (error != ERROR_SUCCESS) {
        TextAddError(Reason, error);
        return FALSE;
    }
    if (size < sizeof *header)
        return PlanUnfit(Reason, "it is too short for a plan");
    header = (const WSKP_HEADER *)Plan->Data;
    if (!CheckHeader(header, size, Reason) || !CheckTables(header, size, Reason))
        return FALSE;
    Plan->Header = header;
    Plan->Case = (const WSKP_CASE *)(Plan->Data + header->CaseOffset);
    Plan->Unit = (const WSKP_UNIT *)(Plan->Data + header->UnitOffset);
    Plan->Step = (const WSKP_STEP *)(Plan->Data + header->StepOffset);
    return ReadStrings(Plan, Reason) && CheckCases(Plan, Reason) && CheckUnits(Plan, Reason) &&
           CheckSteps(Plan, Reason);
}

void PlanFree(PLAN *Plan)
{
    free(Plan->DriverPath);
    free(Plan->Data);
    *Plan = (PLAN){0};
}
