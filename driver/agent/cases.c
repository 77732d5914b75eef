/* cases.c - runs the cases of a plan. */
#include "cases.h"
#include "judge.h"

/* A unit ends itself at its limit; this is what it may take to tell, on a busy machine. */
#define UNIT_MARGIN_MS 2000u

/* For the driver to release, join and deregister what a case has left. */
#define RESET_MS        5000u
#define RESET_MARGIN_MS 2000u
#define HELLO_MS        2000u

/* Only to tell what is outstanding in a driver that will not be used again. */
#define RESET_ASIDE_MS 1000u

#define STATUS_IO_TIMEOUT_VALUE 0xC00000B5u

typedef enum WHY { WHY_DONE, WHY_DEVIATION, WHY_TIMEOUT, WHY_HANG, WHY_CANCELLED, WHY_IO } WHY;

/* One case while it runs. */
typedef struct CASE_RUN {
    const WSKP_CASE *Case;
    UINT32 Index;
    UINT32 Ran;       /* steps that are back */
    UINT32 FirstStep; /* of the unit that is running, within the case */
    UINT64 Deadline;  /* of the units that run now, in ms of the journal */
    DWORD IoError;    /* with WHY_IO */
    BOOL ResidueKnown;
    WSKT_RESET_OUT Residue;
} CASE_RUN;

static const char *WhyName(WHY Why)
{
    static const char *const names[] = {"done", "deviation", "timeout", "hang", "cancelled", "io"};

    return names[Why];
}

static BOOL IsClean(const WSKT_RESIDUE *Residue)
{
    return Residue->Registrations == 0 && Residue->Captures == 0 && Residue->Threads == 0 &&
           Residue->PoolBlocks == 0 && Residue->Sockets == 0 && Residue->Irps == 0;
}

static BOOL RepeatsOrHasOthers(const WSKP_UNIT *Unit)
{
    return Unit->StepCount > 1 || Unit->Repeat > 1 || Unit->Parallel > 1;
}

static void WriteStep(CASES *Cases, const CASE_RUN *Run, const WSKP_UNIT *Unit,
                      const WSKT_UNIT_RESULT *Answer, UINT32 Index, BOOL Expected)
{
    const WSKT_RESULT *result = &Answer->Result[Index];
    TEXT *line = JournalEvent(Cases->Journal, "step");

    JsonU64(line, "n", Run->Index);
    JsonU64(line, "step", Run->FirstStep + Index);
    JsonU64(line, "status", result->Status);
    JsonU64(line, "origin", result->Origin);
    JsonU64(line, "runs", result->Executed);
    JsonU64(line, "ns", result->ElapsedNs);
    JsonU64(line, "maxNs", result->MaxNs);
    JsonBeginArray(line, "v");
    for (UINT32 i = 0; i < WSKT_MAX_VALUES; i++)
        JsonU64(line, NULL, result->Value[i]);
    JsonEndArray(line);
    if (result->P50Ns != 0) {
        JsonBeginArray(line, "p");
        JsonU64(line, NULL, result->P50Ns);
        JsonU64(line, NULL, result->P95Ns);
        JsonU64(line, NULL, result->P99Ns);
        JsonEndArray(line);
    }
    if (RepeatsOrHasOthers(Unit) && Answer->FailedStep == (INT32)Index) {
        JsonBeginArray(line, "it");
        JsonU64(line, NULL, Answer->FailedThread);
        JsonU64(line, NULL, Answer->FailedIteration);
        JsonEndArray(line);
    }
    JsonU64(line, "ok", Expected ? 1 : 0);
    JournalWrite(Cases->Journal);
}

/* Writes the steps that were run; FALSE if one was not as expected. */
static BOOL WriteSteps(CASES *Cases, CASE_RUN *Run, const WSKP_UNIT *Unit, const WSKT_UNIT_RESULT *Answer)
{
    BOOL good = TRUE;

    for (UINT32 i = 0; i < Unit->StepCount; i++) {
        BOOL expected;

        if (Answer->Result[i].Origin == WSKT_ORIGIN_SKIPPED) {
            good = FALSE;
            continue;
        }
        expected = StepIsExpected(Unit, &Cases->Plan->Step[Unit->FirstStep], Answer, i);
        WriteStep(Cases, Run, Unit, Answer, i, expected);
        Run->Ran++;
        good = good && expected;
    }
    return good;
}

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

/* Sends one unit, with no more time than the case has left. */
static WHY RunUnit(CASES *Cases, CASE_RUN *Run, const WSKP_UNIT *Unit)
{
    UINT64 request[DEVICE_UNIT_BYTES / sizeof(UINT64) + 1], reply[DEVICE_BYTES / sizeof(UINT64) + 1];
    WSKT_UNIT *unit = (WSKT_UNIT *)request;
    const WSKT_UNIT_RESULT *answer = (const WSKT_UNIT_RESULT *)reply;
    UINT64 left = CaseLeftMs(Cases, Run);
    DWORD returned;

    if (left == 0)
        return WHY_TIMEOUT;
    unit->Abi = WSKT_ABI;
    unit->StepCount = Unit->StepCount;
    unit->TimeoutMs = left < Unit->TimeoutMs ? (UINT32)left : Unit->TimeoutMs;
    unit->Repeat = Unit->Repeat;
    unit->Parallel = Unit->Parallel;
    unit->ClientStride = Unit->ClientStride;
    unit->SocketStride = Unit->SocketStride;
    unit->ForMs = Unit->ForMs < unit->TimeoutMs ? Unit->ForMs : unit->TimeoutMs;
    unit->Groups = Unit->Groups;
    unit->Seed = Unit->Seed;
    for (UINT32 i = 0; i < Unit->StepCount; i++)
        unit->Step[i] = Cases->Plan->Step[Unit->FirstStep + i].Step;
    Run->IoError =
        DeviceCall(Cases->Device, IOCTL_WSKT_RUN, unit,
                   (DWORD)(FIELD_OFFSET(WSKT_UNIT, Step) + Unit->StepCount * sizeof(WSKT_STEP)), reply,
                   (DWORD)(FIELD_OFFSET(WSKT_UNIT_RESULT, Result) + Unit->StepCount * sizeof(WSKT_RESULT)),
                   &returned, unit->TimeoutMs + UNIT_MARGIN_MS);
    if (Run->IoError == ERROR_TIMEOUT)
        return WHY_HANG;
    if (Run->IoError == ERROR_SUCCESS && !AnswerIsSound(Unit, answer, returned))
        Run->IoError = ERROR_INVALID_DATA;
    if (Run->IoError != ERROR_SUCCESS)
        return WHY_IO;
    if (WriteSteps(Cases, Run, Unit, answer))
        return WHY_DONE;
    return unit->TimeoutMs < Unit->TimeoutMs && RanOutOfTime(answer) ? WHY_TIMEOUT : WHY_DEVIATION;
}

static const WSKP_UNIT *UnitAt(const CASES *Cases, const CASE_RUN *Run, UINT32 Index)
{
    return &Cases->Plan->Unit[Run->Case->FirstUnit + Index];
}

/* Runs the units before the tear-down, up to the first that does not go well. */
static WHY RunUnits(CASES *Cases, CASE_RUN *Run)
{
    UINT32 count = Run->Case->UnitCount - Run->Case->TearDownCount;

    Run->Deadline = JournalMs(Cases->Journal) + Run->Case->TimeoutMs;
    for (UINT32 i = 0; i < count; i++) {
        const WSKP_UNIT *unit = UnitAt(Cases, Run, i);
        WHY why;

        if (WaitForSingleObject(Cases->Cancel, 0) == WAIT_OBJECT_0)
            return WHY_CANCELLED;
        why = RunUnit(Cases, Run, unit);
        if (why != WHY_DONE || Cases->Journal->Error != ERROR_SUCCESS)
            return why;
        Run->FirstStep += unit->StepCount;
    }
    return WHY_DONE;
}

/*
 * Runs every unit of the tear-down, each for its own part, in a time of its own, and returns why the case
 * ends: the first cause stands. After a hang, or without a device, nothing can be undone.
 */
static WHY TearDown(CASES *Cases, CASE_RUN *Run, WHY Why)
{
    UINT32 first = Run->Case->UnitCount - Run->Case->TearDownCount;

    Run->Deadline = JournalMs(Cases->Journal) + Run->Case->TearDownMs;
    Run->FirstStep = 0;
    for (UINT32 i = 0; i < first; i++)
        Run->FirstStep += UnitAt(Cases, Run, i)->StepCount;
    for (UINT32 i = first; i < Run->Case->UnitCount; i++) {
        const WSKP_UNIT *unit = UnitAt(Cases, Run, i);
        WHY why;

        if (Why == WHY_HANG || Why == WHY_IO || Cases->Journal->Error != ERROR_SUCCESS)
            return Why;
        why = RunUnit(Cases, Run, unit);
        if (Why == WHY_DONE || why == WHY_HANG || why == WHY_IO)
            Why = why;
        Run->FirstStep += unit->StepCount;
    }
    return Why;
}

/* Has the driver tidy up and count. */
static DWORD Reset(DEVICE *Device, CASE_RUN *Run, DWORD TimeoutMs)
{
    const WSKT_RESET_IN in = {.Abi = WSKT_ABI, .TimeoutMs = TimeoutMs};
    DWORD returned;
    DWORD error = DeviceCall(Device, IOCTL_WSKT_RESET, &in, sizeof in, &Run->Residue, sizeof Run->Residue,
                             &returned, TimeoutMs + RESET_MARGIN_MS);

    if (error == ERROR_SUCCESS && returned != sizeof Run->Residue)
        error = ERROR_INVALID_DATA;
    Run->ResidueKnown = error == ERROR_SUCCESS;
    return error;
}

/* A request is stuck: what is outstanding can only be asked on another handle and thread. */
static void ResetAside(CASE_RUN *Run)
{
    DEVICE *device;

    if (DeviceOpen(&device, RESET_ASIDE_MS) == ERROR_SUCCESS)
        (void)Reset(device, Run, RESET_ASIDE_MS);
    DeviceClose(device);
}

static BOOL DeviceAnswers(DEVICE *Device)
{
    WSKT_HELLO hello;
    DWORD returned;

    return DeviceCall(Device, IOCTL_WSKT_HELLO, NULL, 0, &hello, sizeof hello, &returned, HELLO_MS) ==
               ERROR_SUCCESS &&
           returned == sizeof hello;
}

static void WriteResidue(TEXT *Line, const char *Key, const WSKT_RESIDUE *Residue)
{
    JsonBeginArray(Line, Key);
    JsonU64(Line, NULL, Residue->Registrations);
    JsonU64(Line, NULL, Residue->Captures);
    JsonU64(Line, NULL, Residue->Threads);
    JsonU64(Line, NULL, Residue->PoolBlocks);
    JsonU64(Line, NULL, Residue->Sockets);
    JsonU64(Line, NULL, Residue->Irps);
    JsonEndArray(Line);
}

static void WriteCaseEnd(CASES *Cases, const CASE_RUN *Run, WHY Why)
{
    TEXT *line = JournalEvent(Cases->Journal, "case-end");

    JsonU64(line, "n", Run->Index);
    JsonU64(line, "ran", Run->Ran);
    JsonString(line, "why", WhyName(Why));
    if (Why == WHY_IO)
        JsonU64(line, "win32", Run->IoError);
    if (Run->ResidueKnown) {
        WriteResidue(line, "left", &Run->Residue.Before);
        WriteResidue(line, "after", &Run->Residue.After);
    }
    JournalWrite(Cases->Journal);
    Cases->Ended++;
}

/* Tidies up after the case and says whether, and how, the run has to end with it. */
static CASES_END EndCase(CASES *Cases, CASE_RUN *Run, WHY *Why)
{
    DWORD error;

    if (*Why == WHY_HANG) {
        ResetAside(Run);
        return CASES_TAINTED;
    }
    if (*Why == WHY_IO && !DeviceAnswers(Cases->Device))
        return CASES_DEVICE;
    error = Reset(Cases->Device, Run, RESET_MS);
    if (error == ERROR_TIMEOUT) {
        *Why = WHY_HANG;
        return CASES_TAINTED;
    }
    if (error != ERROR_SUCCESS) {
        *Why = WHY_IO;
        Run->IoError = error;
        return CASES_DEVICE;
    }
    if (!IsClean(&Run->Residue.After))
        return CASES_TAINTED;
    return *Why == WHY_CANCELLED ? CASES_CANCELLED : CASES_DONE;
}

static CASES_END RunCase(CASES *Cases, UINT32 Index)
{
    CASE_RUN run = {.Case = &Cases->Plan->Case[Index], .Index = Index};
    CASES_END end;
    WHY why;

    JsonU64(JournalEvent(Cases->Journal, "case-start"), "n", Index);
    JournalWrite(Cases->Journal);
    why = Cases->Journal->Error == ERROR_SUCCESS ? RunUnits(Cases, &run) : WHY_CANCELLED;
    why = TearDown(Cases, &run, why);
    end = EndCase(Cases, &run, &why);
    WriteCaseEnd(Cases, &run, why);
    return Cases->Journal->Error == ERROR_SUCCESS || end == CASES_TAINTED ? end : CASES_JOURNAL;
}

CASES_END CasesRun(CASES *Cases)
{
    for (UINT32 i = 0; i < Cases->Plan->Header->CaseCount; i++) {
        CASES_END end;

        if (WaitForSingleObject(Cases->Cancel, 0) == WAIT_OBJECT_0)
            return CASES_CANCELLED;
        end = RunCase(Cases, i);
        if (end != CASES_DONE)
            return end;
    }
    return CASES_DONE;
}
