/* loopthread.c - what one thread of a loop does: list after list, each run of a step judged as it goes. */
#include "looprun.h"
#include "status.h"
#include "task.h"
#include "wskjudge.h"

#include <stdlib.h>

/* The handle that the step uses on this thread; NULL: none. It is the thread's alone, or open all the while.
 */
static DEVICE_FILE *FileOf(LOOP_RUN *Run, UINT32 Thread, const STEP_KIND *Kind, const WSKT_STEP *Step)
{
    UINT32 handle;

    if (Kind->Handle == NULL || !Kind->Handle(Step, &handle))
        return NULL;
    return &Run->Handles.File[handle + Thread * Run->Batch->SocketStride]; /* in bounds, by LoopKnows */
}

/* Executes it, or refuses to. Kept are its outputs. */
static void ExecuteOnce(LOOP_RUN *Run, UINT32 Thread, const WSKP_STEP *Step, WSKT_RESULT *Result,
                        CAPTURE *Kept)
{
    const STEP_KIND *kind = StepKindOf(&Step->Step); /* there is one, by LoopKnows */
    DEVICE_FILE *file = FileOf(Run, Thread, kind, &Step->Step);
    STEP_RUN run = {.Step = &Step->Step,
                    .Plan = Run->Plan,
                    .Words = PlanWords(Run->Plan, Step->Text),
                    .File = file,
                    .Request = &Run->Thread[Thread].Request,
                    .Result = Result};
    UINT64 begin = NowNs();

    *Result = (WSKT_RESULT){.Executed = 1};
    if (begin >= Run->Deadline) {
        Result->Origin = WSKT_ORIGIN_REFUSED;
        Result->Status = STATUS_IO_TIMEOUT_VALUE; /* the batch's time was up before this step */
    } else if (file != NULL && !HandleFits(kind, file)) {
        Result->Origin = WSKT_ORIGIN_REFUSED;
        Result->Status = STATUS_INVALID_HANDLE_VALUE;
    } else {
        Result->Status = kind->Execute(&run);
        Result->ElapsedNs = Result->MaxNs = NowNs() - begin;
    }
    *Kept = run.Kept[OUTPUT_OUT]; /* no step that may be in a loop has others */
}

/* One step of one list. */
static WSKT_VERDICT RunOnce(LOOP_RUN *Run, UINT32 Thread, UINT32 Iteration, UINT32 Step)
{
    const WSKP_STEP *step = &Run->Step[Step];
    LOOP_THREAD *thread = &Run->Thread[Thread];
    WSKT_VERDICT verdict;
    WSKT_RESULT result;
    CAPTURE kept;

    AcquireSRWLockExclusive(&thread->Lock);
    thread->Step = Step;
    thread->Iteration = Iteration;
    ReleaseSRWLockExclusive(&thread->Lock);
    ExecuteOnce(Run, Thread, step, &result, &kept);
    verdict = WsktJudge(&step->Step, &result);
    if (result.Origin == WSKT_ORIGIN_REFUSED && (step->Step.Flags & WSKT_STEP_YIELD) != 0)
        verdict = WSKT_EXPECTED_NEXT; /* it does not count as a run */
    else if (verdict == WSKT_DEVIATES && Run->Cancelled)
        verdict = WSKT_EXPECTED_NEXT; /* the request was cancelled from outside */
    else
        LoopNoteRun(Run, Thread, Step, &result, verdict != WSKT_DEVIATES, &kept);
    free(kept.Data);
    if (verdict == WSKT_DEVIATES)
        LoopNoteFailure(Run, Thread, Iteration, Step);
    return verdict;
}

static BOOL LoopTimeIsUp(const LOOP_RUN *Run)
{
    return Run->NoMoreAfter != 0 && NowNs() >= (Run->Due != 0 ? Run->NotEven : Run->NoMoreAfter);
}

/* No thread begins another list. */
static BOOL LoopIsOver(const LOOP_RUN *Run) { return Run->Stop || Run->Cancelled || LoopTimeIsUp(Run); }

/* All repetitions of one thread. */
static void RunLists(LOOP_RUN *Run, UINT32 Thread)
{
    UINT64 random = ChoiceSeed(Run->Batch->Seed, Thread);
    WSKT_VERDICT verdict = WSKT_EXPECTED;
    UINT32 iteration = 0;

    for (; verdict != WSKT_DEVIATES && iteration < Run->Batch->Repeat && (iteration == 0 || !LoopIsOver(Run));
         iteration++) {
        UINT32 group = ChoiceNext(&Run->Choice, &random);

        verdict = WSKT_EXPECTED;
        for (UINT32 step = Run->Choice.First[group];
             verdict == WSKT_EXPECTED && step < Run->Choice.First[group + 1]; step++)
            verdict = RunOnce(Run, Thread, iteration, step);
        if (verdict == WSKT_EXPECTED && InterlockedExchange(&Run->Had[group], 1) == 0)
            InterlockedDecrement(&Run->Due);
    }
    AcquireSRWLockExclusive(&Run->Thread[Thread].Lock);
    Run->Thread[Thread].Whole =
        verdict != WSKT_DEVIATES && (iteration == Run->Batch->Repeat || LoopTimeIsUp(Run));
    Run->Thread[Thread].Finished = TRUE;
    ReleaseSRWLockExclusive(&Run->Thread[Thread].Lock);
}

DWORD WINAPI LoopThread(void *Parameter)
{
    LOOP_RUN *run = Parameter;

    RunLists(run, (UINT32)InterlockedIncrement(&run->NextThread) - 1);
    if (InterlockedDecrement(&run->Running) == 0)
        SetEvent(run->Finished);
    LoopRelease(run);
    return 0;
}
