/* threadsteps.c - the steps that are about a thread of the agent's, or only take their time. */
#include "status.h"
#include "task.h"

static BOOL IsCancelTask(const WSKT_STEP *Step) { return Step->Arg[1] == WSKP_CANCEL_THREAD; }

static UINT32 DoCancelTask(STEP_RUN *Run)
{
    /* A thread may be about to make it: but a step that finds nothing has to say so before its time is up. */
    DWORD error = TaskCancel(Run->Target, Run->Step->TimeoutMs / 2);

    return error == ERROR_NOT_FOUND ? STATUS_NOT_FOUND_VALUE : StatusOfWin32(error);
}

static UINT32 DoSleep(STEP_RUN *Run)
{
    Sleep((DWORD)Run->Step->Arg[0]);
    return STATUS_SUCCESS_VALUE;
}

const STEP_KIND BlockedStep = {.Op = WSKT_OP_BLOCKED,
                               .ArgMax = {WSKT_MAX_THREADS - 1, WSKP_MAX_WAIT_MS},
                               .Traits = STEP_AWAITS | STEP_WAITS_LONG};
const STEP_KIND JoinStep = {.Op = WSKT_OP_JOIN,
                            .ArgMax = {WSKT_MAX_THREADS - 1, WSKP_MAX_WAIT_MS},
                            .Traits = STEP_AWAITS | STEP_JOINS | STEP_WAITS_LONG};
const STEP_KIND CancelTaskStep = {.Op = WSKT_OP_CANCEL,
                                  .Is = IsCancelTask,
                                  .Execute = DoCancelTask,
                                  .ArgMax = {WSKT_MAX_THREADS - 1},
                                  .Traits = STEP_ON_TARGET};
const STEP_KIND SleepStep = {
    .Op = WSKT_OP_SLEEP, .Execute = DoSleep, .ArgMax = {WSKT_MAX_WAIT_MS}, .Traits = STEP_IN_LOOPS};
