/* executor.c - executes the steps of a plan that are the agent's: each on a task, but for those that await
 * one. */
#include "executor.h"
#include "status.h"

#define STATUS_INVALID_DEVICE_STATE_VALUE 0xC0000184u
#define STATUS_DEVICE_BUSY_VALUE          0x80000011u

static void RefuseStep(WSKT_RESULT *Result, UINT32 Status)
{
    Result->Origin = WSKT_ORIGIN_REFUSED;
    Result->Status = Status;
    Result->Executed = 1;
}

static void TakeBack(EXECUTOR *Executor, STEP_RUN *Run, WSKT_RESULT *Result)
{
    *Result = *Run->Result;
    memcpy(Executor->Kept, Run->Kept, sizeof Executor->Kept);
    memset(Run->Kept, 0, sizeof Run->Kept);
    if (Run->Device != NULL) {
        Executor->Device = Run->Device;
        Run->Device = NULL;
    }
    if (StepIs(Run->Step, STEP_OPENS)) {
        Executor->Handles.File[Run->Step->Arg[0]] = *Run->File;
        *Run->File = (DEVICE_FILE){0};
    }
}

/* What goes to a task, where none could be had. */
static void DropRun(STEP_RUN *Run)
{
    FoldersFree(&Run->Folders);
    TaskRelease(Run->Target);
}

/* Keeps a request that is not back, where there is a place for it; else it is lost, and the caller's to
 * release. */
static TASK *KeepLate(EXECUTOR *Executor, TASK *Task)
{
    if (Executor->Late == NULL && TaskIs(Task, STEP_REQUESTS)) {
        Executor->Late = Task;
        return NULL;
    }
    Executor->Lost++;
    return Task;
}

/* What the run owns goes to a task, or is freed. */
static void Start(EXECUTOR *Executor, const STEP_KIND *Kind, STEP_RUN *Run, WSKT_RESULT *Result)
{
    const WSKT_STEP *step = Run->Step;
    TASK **named = step->Thread != 0 ? &Executor->Task[step->Thread - 1] : NULL;
    BOOL busy = named != NULL && *named != NULL;
    TASK *task = busy ? NULL : TaskStart(Kind, Run);
    STEP_RUN *back;

    if (task == NULL) {
        DropRun(Run);
        RefuseStep(Result, busy ? STATUS_DEVICE_BUSY_VALUE : STATUS_INSUFFICIENT_RESOURCES_VALUE);
        return;
    }
    if ((Kind->Traits & STEP_CLOSES) != 0) /* the task's, whether it comes back or not */
        Executor->Handles.File[step->Arg[0]].Handle = NULL;
    if (named != NULL) {
        *named = task;
        TaskAwaitBegun(task, step->TimeoutMs);
        Result->Origin = WSKT_ORIGIN_ASYNC;
        Result->Status = STATUS_PENDING_VALUE;
        Result->Executed = 1;
        return;
    }
    back = TaskAwait(task, step->TimeoutMs);
    if (back != NULL) {
        TakeBack(Executor, back, Result);
    } else {
        Result->Origin = WSKT_ORIGIN_TIMEOUT;
        Result->Status = STATUS_TIMEOUT_VALUE;
        Result->Executed = 1;
        task = KeepLate(Executor, task);
    }
    TaskRelease(task);
}

/* Executes a step that waits for the task of a thread. */
static void Await(EXECUTOR *Executor, const STEP_KIND *Kind, const WSKT_STEP *Step, WSKT_RESULT *Result)
{
    TASK **task = &Executor->Task[Step->Arg[0]];
    UINT64 begin = GetTickCount64();
    BOOL joins = (Kind->Traits & STEP_JOINS) != 0;
    WSKT_RESULT operation;
    STEP_RUN *back;

    if (*task == NULL) {
        RefuseStep(Result, STATUS_INVALID_DEVICE_STATE_VALUE);
        return;
    }
    back = TaskAwait(*task, (UINT32)Step->Arg[1]);
    Result->Executed = 1;
    Result->ElapsedNs = Result->MaxNs = (GetTickCount64() - begin) * 1000000u;
    Result->Status = STATUS_TIMEOUT_VALUE;
    if (back == NULL) {
        Result->Origin = joins ? WSKT_ORIGIN_TIMEOUT : WSKT_ORIGIN_CALL;
        return;
    }
    Result->Value[WSKT_V_THREAD_STATUS] = back->Result->Status;
    Result->Value[WSKT_V_THREAD_DONE] = 1;
    Result->Value[WSKT_V_THREAD_NS] = back->Result->ElapsedNs;
    Result->Status = STATUS_SUCCESS_VALUE;
    if (!joins)
        return;
    TakeBack(Executor, back, &operation);
    Result->Status = operation.Status;
    Result->Origin = operation.Origin;
    for (UINT32 i = 0; i < WSKP_V_JOINED_COUNT; i++)
        Result->Value[WSKP_V_JOINED + i] = operation.Value[i];
    TaskRelease(*task);
    *task = NULL;
}

/* Gives the run its handle, at File, or the task whose request it is about. FALSE: there is none such. */
static BOOL GiveHandle(EXECUTOR *Executor, const STEP_KIND *Kind, STEP_RUN *Run, DEVICE_FILE *File)
{
    UINT32 handle;

    if ((Kind->Traits & STEP_ON_TARGET) != 0) {
        TASK *task = Executor->Task[Run->Step->Arg[0]];

        Run->Target = task != NULL ? TaskReference(task) : NULL;
        return task != NULL;
    }
    if (Kind->Handle == NULL || !Kind->Handle(Run->Step, &handle))
        return TRUE;
    *File = Executor->Handles.File[handle];
    Run->File = File;
    return HandleFits(Kind, File);
}

/* An unload that failed has left the driver where it was; a load that failed has left none. */
static void NoteUnloaded(EXECUTOR *Executor, const STEP_KIND *Kind, const WSKT_RESULT *Result)
{
    BOOL done = Result->Status == STATUS_SUCCESS_VALUE || Result->Origin == WSKT_ORIGIN_ASYNC;

    if ((Kind->Traits & STEP_UNLOADS) != 0)
        Executor->Unloaded = done;
    else if ((Kind->Traits & STEP_LOADS) != 0)
        Executor->Unloaded = !done;
}

/* Executes a step, which is Run's own copy, on a task, which gets what Run owns. */
static void ExecuteOnTask(EXECUTOR *Executor, const STEP_KIND *Kind, WSKT_STEP *Step, STEP_RUN *Run,
                          WSKT_RESULT *Result)
{
    DEVICE_FILE file;

    if (!GiveHandle(Executor, Kind, Run, &file)) {
        DropRun(Run);
        RefuseStep(Result, STATUS_INVALID_HANDLE_VALUE);
        return;
    }
    if (Kind->Prepare != NULL)
        Kind->Prepare(Step, Executor->Device);
    if ((Kind->Traits & STEP_STOPS) != 0) {
        DeviceClose(Executor->Device);
        Executor->Device = NULL;
    }
    Start(Executor, Kind, Run, Result);
    NoteUnloaded(Executor, Kind, Result);
}

void Execute(EXECUTOR *Executor, const WSKP_STEP *Step, const WSKT_BATCH *AtStart, DWORD AtStartBytes,
             WSKT_RESULT *Result)
{
    const STEP_KIND *kind = StepKindOf(&Step->Step);
    WSKT_STEP prepared = Step->Step;
    STEP_RUN run = {.Step = &prepared,
                    .Plan = Executor->Plan,
                    .Words = PlanWords(Executor->Plan, Step->Text),
                    .AtStart = AtStart,
                    .AtStartBytes = AtStartBytes,
                    .Journal = Executor->Journal,
                    .SinceMs = Executor->SinceMs,
                    .Cancel = Executor->Cancel};

    *Result = (WSKT_RESULT){0};
    if (kind != NULL && (kind->Traits & STEP_AWAITS) != 0) {
        Await(Executor, kind, &Step->Step, Result);
        return;
    }
    if (kind == NULL || kind->Execute == NULL) {
        RefuseStep(Result, STATUS_INVALID_DEVICE_STATE_VALUE);
        return;
    }
    if (Executor->Over == NULL)
        Executor->Over = CreateEventW(NULL, TRUE, FALSE, NULL);
    run.Over = Executor->Over;
    if (run.Over == NULL || FoldersOf(Executor->Journal, &Executor->Plan->Case[Executor->Case],
                                      Executor->Case, &run.Folders) != ERROR_SUCCESS)
        RefuseStep(Result, STATUS_INSUFFICIENT_RESOURCES_VALUE);
    else
        ExecuteOnTask(Executor, kind, &prepared, &run, Result);
}
