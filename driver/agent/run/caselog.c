/* caselog.c - what the journal is told of a case. */
#include "caselog.h"
#include "judge.h"
#include "output.h"
#include "status.h"

static const char *WhyName(WHY Why)
{
    static const char *const names[] = {"done", "deviation", "timeout", "hang",   "cancelled",
                                        "io",   "reboot",    "lease",   "unready"};

    return names[Why];
}

static BOOL Repeats(const WSKP_BATCH *Batch) { return Batch->Repeat > 1 || Batch->Parallel > 1; }

static void WriteStep(CASES *Cases, const CASE_RUN *Run, const WSKP_BATCH *Batch,
                      const WSKT_BATCH_RESULT *Answer, UINT32 Index, BOOL Expected)
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
    if (Repeats(Batch)) {
        JsonBeginArray(line, "p");
        JsonU64(line, NULL, result->P50Ns);
        JsonU64(line, NULL, result->P95Ns);
        JsonU64(line, NULL, result->P99Ns);
        JsonEndArray(line);
    }
    if (Repeats(Batch) && Answer->FailedStep == (INT32)Index) {
        JsonBeginArray(line, "it");
        JsonU64(line, NULL, Answer->FailedThread);
        JsonU64(line, NULL, Answer->FailedIteration);
        JsonEndArray(line);
    }
    JsonU64(line, "ok", Expected ? 1 : 0);
    JournalWrite(Cases->Journal);
}

BOOL WriteSteps(CASES *Cases, CASE_RUN *Run, const WSKP_BATCH *Batch, const WSKT_BATCH_RESULT *Answer,
                CAPTURE *Kept)
{
    BOOL good = TRUE;

    for (UINT32 i = 0; i < Batch->StepCount; i++) {
        BOOL expected;

        if (Kept != NULL)
            OutputWrite(Cases->Journal, Run->Index, Run->FirstStep + i, "stdout", &Kept[i]);
        if (Answer->Result[i].Origin == WSKT_ORIGIN_SKIPPED) {
            good = FALSE;
            continue;
        }
        expected = StepIsExpected(Batch, &Cases->Plan->Step[Batch->FirstStep], &Run->Kept, Answer, i);
        if (expected)
            WsktKeep(&Run->Kept, &Cases->Plan->Step[Batch->FirstStep + i].Step, &Answer->Result[i]);
        WriteStep(Cases, Run, Batch, Answer, i, expected);
        Run->Ran++;
        good = good && expected;
    }
    return good;
}

WHY EndsIn(CASE_RUN *Run, UINT32 StepCount, WHY Why)
{
    Run->UnderFirst = Run->FirstStep;
    Run->UnderCount = StepCount;
    return Why;
}

/*
 * Was a step stopped, or refused, for want of time? In a batch that got less than it asked for that is the
 * case's time, and the step has not deviated by itself.
 */
static BOOL RanOutOfTime(const WSKT_BATCH_RESULT *Answer)
{
    for (UINT32 i = 0; i < Answer->StepCount; i++) {
        const WSKT_RESULT *result = &Answer->Result[i];

        if (result->Origin == WSKT_ORIGIN_TIMEOUT ||
            (result->Origin == WSKT_ORIGIN_REFUSED && result->Status == STATUS_IO_TIMEOUT_VALUE))
            return TRUE;
    }
    return FALSE;
}

/* The time was up in a batch that is back: from the first step that is still out there on, those that are
 * not.
 */
static WHY EndsOutOfTime(CASE_RUN *Run, const WSKT_BATCH_RESULT *Answer)
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

WHY EndsDeviating(CASE_RUN *Run, const WSKP_BATCH *Batch, const WSKT_BATCH_RESULT *Answer, UINT32 TimeoutMs)
{
    return TimeoutMs < Batch->TimeoutMs && RanOutOfTime(Answer) ? EndsOutOfTime(Run, Answer) : WHY_DEVIATION;
}

void WriteCaseStart(CASES *Cases, const CASE_RUN *Run)
{
    JsonU64(JournalEvent(Cases->Journal, "case-start"), "n", Run->Index);
    JournalWrite(Cases->Journal);
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

void WriteCaseEnd(CASES *Cases, const CASE_RUN *Run, WHY Why)
{
    TEXT *line = JournalEvent(Cases->Journal, "case-end");

    JsonU64(line, "n", Run->Index);
    JsonU64(line, "ran", Run->Ran);
    JsonString(line, "why", WhyName(Why));
    if (Run->UnderCount != 0) {
        JsonBeginArray(line, "under");
        JsonU64(line, NULL, Run->UnderFirst);
        JsonU64(line, NULL, Run->UnderCount);
        JsonEndArray(line);
    }
    if (Run->Back.Why != NULL) {
        JsonString(line, "back", Run->Back.Why);
        JsonU64(line, "win32", Run->Back.Win32);
        StartTellEntry(line, &Run->Back);
    } else if (Why == WHY_IO) {
        JsonU64(line, "win32", Run->IoError);
    }
    if (Run->NotUndone != 0)
        JsonU64(line, "kept", Run->NotUndone);
    if (Run->Driver != NULL)
        JsonString(line, "driver", Run->Driver);
    if (Run->ResidueKnown) {
        WriteResidue(line, "left", &Run->Residue.Before);
        WriteResidue(line, "after", &Run->Residue.After);
    }
    JournalWrite(Cases->Journal);
    if (Cases->Journal->Error == ERROR_SUCCESS)
        Cases->Ended++;
}
