/* perform.c - the steps of a plan that the agent performs itself. */
#include "perform.h"
#include "driver.h"
#include "poolusage.h"
#include "startfailures.h"
#include "status.h"
#include "talk.h"

#define STATUS_PENDING_VALUE              0x103u
#define STATUS_INVALID_DEVICE_STATE_VALUE 0xC0000184u
#define STATUS_DEVICE_BUSY_VALUE          0x80000011u

#define RELOAD_TIMES_MAX 10000u
#define THREAD_ASK_MS    5000u
#define STOP_MARGIN_MS   5000u

static void RefuseStep(WSKT_RESULT *Result, UINT32 Status)
{
    Result->Origin = WSKT_ORIGIN_REFUSED;
    Result->Status = Status;
    Result->Executed = 1;
}

/* ---- unload ---- */

/* What the driver left when it went. One that left nothing has not run its Unload to the end. */
static DWORD ReadUnloaded(const PLAN *Plan, WSKT_UNLOAD *Unloaded)
{
    DWORD error = DriverGetBinary(Plan->ServiceName, WSKT_UNLOAD_VALUE, Unloaded, sizeof *Unloaded);

    if (error == ERROR_SUCCESS && Unloaded->Abi != WSKT_ABI)
        error = ERROR_REVISION_MISMATCH;
    return error;
}

static void AddUnloaded(const WSKT_UNLOAD *Unloaded, UINT64 *Value)
{
    Value[WSKP_V_UNLOAD_DEREGISTRATIONS] += Unloaded->Deregistrations;
    Value[WSKP_V_UNLOAD_BLOCKS] += Unloaded->Blocks;
    Value[WSKP_V_UNLOAD_SOCKETS] += Unloaded->Sockets;
    Value[WSKP_V_UNLOAD_CALLS] += Unloaded->Calls;
    Value[WSKP_V_UNLOAD_EARLY] += Unloaded->Early;
    if (Value[WSKP_V_UNLOAD_DEREGISTER_NS] < Unloaded->DeregisterNs)
        Value[WSKP_V_UNLOAD_DEREGISTER_NS] = Unloaded->DeregisterNs;
}

/* Stops the driver, and adds what it left. */
static DWORD Unload(const ACT *Act, UINT64 *Value)
{
    UINT64 begin = GetTickCount64(), took;
    WSKT_UNLOAD unloaded;
    /* Longer than the step may take: of a driver that does not go the step has to say so, as hung. */
    DWORD error = DriverStop(Act->Plan->ServiceName, Act->Step.TimeoutMs + STOP_MARGIN_MS);

    took = (GetTickCount64() - begin) * 1000000u;
    if (error == ERROR_SUCCESS && !Act->Plan->Plain)
        error = ReadUnloaded(Act->Plan, &unloaded);
    if (error != ERROR_SUCCESS)
        return error;
    if (!Act->Plan->Plain)
        AddUnloaded(&unloaded, Value);
    Value[WSKP_V_UNLOAD_TIMES]++;
    if (Value[WSKP_V_UNLOAD_LONGEST_NS] < took)
        Value[WSKP_V_UNLOAD_LONGEST_NS] = took;
    return ERROR_SUCCESS;
}

static void DoUnload(ACT *Act)
{
    Act->Result.Status = StatusOfWin32(Unload(Act, Act->Result.Value));
}

static void DoUnloaded(ACT *Act)
{
    WSKT_UNLOAD unloaded;
    DWORD error = ReadUnloaded(Act->Plan, &unloaded);

    Act->Result.Status = StatusOfWin32(error);
    if (error == ERROR_SUCCESS)
        AddUnloaded(&unloaded, Act->Result.Value);
}

/* ---- load ---- */

START_WITH PerformStartWith(const WSKT_STEP *Step, const WSKT_UNIT *AtStart, DWORD AtStartBytes)
{
    START_WITH with = {
        .FailAt = (UINT32)Step->Arg[0],
        .Activate = (Step->Arg[1] & WSKP_START_ACTIVATE) != 0,
        .Steps = AtStart,
        .StepsBytes = AtStartBytes,
    };

    return with;
}

static UINT32 StatusOfStart(const START *Start)
{
    if (Start->Why == NULL)
        return STATUS_SUCCESS_VALUE;
    return Start->Entry != 0 ? Start->Entry : StatusOfWin32(Start->Win32);
}

void PerformTellStart(const START *Start, WSKT_RESULT *Result)
{
    Result->Status = StatusOfStart(Start);
    Result->Value[WSKP_V_LOAD_WIN32] = Start->Win32;
    Result->Value[WSKP_V_LOAD_INJECTED] = Start->Hello.Injected;
}

static void DoLoad(ACT *Act)
{
    const WSKT_UNIT *steps = Act->StepsBytes != 0 ? (const WSKT_UNIT *)Act->Steps : NULL;
    START_WITH with = PerformStartWith(&Act->Step, steps, Act->StepsBytes);
    START start = {0};

    /* Of a driver of the user's own the service stays as it is, with what the case has made of its
     * parameters. */
    if (Act->Plan->Plain)
        (void)StartAgain(Act->Plan, &Act->Device, &start);
    else
        (void)StartUp(Act->Plan, &with, &Act->Device, &start);
    PerformTellStart(&start, &Act->Result);
}

/* ---- reload ---- */

static void DoReload(ACT *Act)
{
    UINT64 *value = Act->Result.Value, before = 0, after = 0;
    BOOL counted = PoolUsage(Act->Words, &before);
    START start = {0};
    DWORD error = ERROR_SUCCESS;

    for (UINT64 i = 0; error == ERROR_SUCCESS && start.Why == NULL && i < Act->Step.Arg[0]; i++) {
        DeviceClose(Act->Device);
        Act->Device = NULL;
        error = Unload(Act, value);
        if (error == ERROR_SUCCESS)
            (void)StartAgain(Act->Plan, &Act->Device, &start);
    }
    if (error == ERROR_SUCCESS)
        Act->Result.Status = StatusOfStart(&start);
    else
        Act->Result.Status = StatusOfWin32(error);
    counted = counted && PoolUsage(Act->Words, &after);
    value[WSKP_V_UNLOAD_POOL_COUNTED] = counted;
    value[WSKP_V_UNLOAD_POOL_GROWTH] = counted && after > before ? after - before : 0;
}

/* ---- steps that need nothing of the driver ---- */

static void DoGeneric(ACT *Act)
{
    GENERIC generic = {.Step = &Act->Step,
                       .Words = Act->Words,
                       .Folders = Act->Folders,
                       .Journal = Act->Journal,
                       .Service = Act->Plan->ServiceName,
                       .SinceMs = Act->SinceMs,
                       .Begun = Act->Begun,
                       .Cancel = Act->Cancel,
                       .Over = Act->Over,
                       .File = &Act->File,
                       .Request = &Act->Request,
                       .Result = &Act->Result};

    GenericPerform(&generic);
    memcpy(Act->Kept, generic.Kept, sizeof Act->Kept);
}

/* Of a thread's request: that of a handle is as generic as the request. */
static void DoCancel(ACT *Act)
{
    DWORD error;

    if (Act->Target == NULL) {
        DoGeneric(Act);
        return;
    }
    /* A thread may be about to make it: but a step that finds nothing has to say so before its time is up. */
    error = ActorCancel(Act->Target, Act->Step.TimeoutMs / 2);
    Act->Result.Status = error == ERROR_NOT_FOUND ? STATUS_NOT_FOUND_VALUE : StatusOfWin32(error);
}

/* ---- echo ---- */

/* Where the echo server listens: the driver says. 0 where it does not. */
static UINT16 AskPort(DEVICE *Device)
{
    UINT64 request[DEVICE_UNIT_BYTES / sizeof(UINT64) + 1] = {0};
    WSKT_UNIT *unit = (WSKT_UNIT *)request;
    WSKT_UNIT_RESULT answer;
    DWORD returned;

    unit->Abi = WSKT_ABI;
    unit->StepCount = unit->Repeat = unit->Parallel = 1;
    unit->TimeoutMs = THREAD_ASK_MS;
    unit->Step[0] = (WSKT_STEP){.Op = WSKT_OP_STATE, .TimeoutMs = THREAD_ASK_MS};
    if (Device == NULL || DeviceCall(Device, IOCTL_WSKT_RUN, unit, sizeof *unit, &answer, sizeof answer,
                                     &returned, THREAD_ASK_MS) != ERROR_SUCCESS)
        return 0;
    return returned == sizeof answer && answer.Result[0].Origin == WSKT_ORIGIN_CALL
               ? (UINT16)answer.Result[0].Value[WSKT_V_STATE_PORT]
               : 0;
}

static void DoEcho(ACT *Act)
{
    const UINT64 *arg = Act->Step.Arg;
    TALK talk = {
        .Port = (UINT16)arg[5],
        .Bytes = (UINT32)arg[0],
        .Connections = (UINT32)arg[1],
        .UntilClosed = (arg[2] & WSKP_ECHO_UNTIL_CLOSED) != 0,
        .Idle = (arg[2] & WSKP_ECHO_IDLE) != 0,
    };
    TALKED talked = {0};
    DWORD error = ERROR_SERVICE_NOT_ACTIVE; /* no server listens */

    if (talk.Port != 0 && (arg[2] & WSKP_ECHO_PROGRAM) != 0) {
        error = TalkAside(&talk, Act->Step.TimeoutMs);
        if (error == ERROR_SUCCESS)
            talked =
                (TALKED){.Bytes = (UINT64)talk.Bytes * talk.Connections, .Connections = talk.Connections};
    } else if (talk.Port != 0) {
        error = Talk(&talk, Act->Begun, Act->Step.TimeoutMs, &talked);
    }
    Act->Result.Status = StatusOfWin32(error);
    Act->Result.Value[WSKP_V_ECHO_BYTES] = talked.Bytes;
    Act->Result.Value[WSKP_V_ECHO_CONNECTIONS] = talked.Connections;
    Act->Result.Value[WSKP_V_ECHO_CLOSED] = talked.Closed;
}

/* ---- all of them ---- */

/* A generic step that is not among them is performed by DoGeneric, and leaves the device alone. */
static const struct {
    UINT32 Op;
    ACT_ROUTINE *Routine;
    BOOL TakesDevice; /* the driver can't go while it is open */
} DriverSteps[] = {
    {WSKP_OP_UNLOAD, DoUnload, TRUE},
    {WSKP_OP_LOAD, DoLoad, TRUE},
    {WSKP_OP_RELOAD, DoReload, TRUE},
    {WSKP_OP_UNLOADED, DoUnloaded, FALSE},
    {WSKP_OP_START_FAILURES, StartFailures, TRUE},
    {WSKP_OP_ECHO, DoEcho, FALSE},
    {WSKT_OP_CANCEL, DoCancel, FALSE},
};

BOOL PerformKnows(const WSKP_STEP *Step)
{
    const UINT64 *arg = Step->Step.Arg;
    BOOL awaits = Step->Step.Op == WSKT_OP_BLOCKED || Step->Step.Op == WSKT_OP_JOIN;

    if (Step->Step.Thread > WSKT_MAX_THREADS || Step->Step.TimeoutMs == 0 ||
        Step->Step.TimeoutMs > (awaits ? WSKP_MAX_WAIT_MS : WSKT_MAX_WAIT_MS))
        return FALSE;
    switch (Step->Step.Op) {
    case WSKT_OP_BLOCKED:
    case WSKT_OP_JOIN:
        return arg[0] < WSKT_MAX_THREADS && arg[1] <= WSKP_MAX_WAIT_MS && Step->Step.Thread == 0;
    case WSKT_OP_SLEEP:
        return arg[0] <= WSKT_MAX_WAIT_MS && Step->Step.Thread == 0;
    case WSKT_OP_CANCEL:
        return arg[1] == WSKP_CANCEL_THREAD && arg[0] < WSKT_MAX_THREADS && Step->Step.Thread == 0;
    case WSKP_OP_RELOAD:
        return arg[0] >= 1 && arg[0] <= RELOAD_TIMES_MAX && Step->Step.Thread == 0;
    case WSKP_OP_LOAD:
        return arg[0] <= MAXUINT32 && Step->Step.Thread == 0;
    case WSKP_OP_REBOOT:
        return arg[0] <= MAXUINT32 && arg[2] <= SERVICE_DEMAND_START && arg[3] <= MAXUINT32 &&
               arg[4] <= WSKT_MAX_WAIT_MS && Step->Step.Thread == 0;
    case WSKP_OP_ECHO:
        return arg[0] >= 1 && arg[0] <= WSKP_ECHO_BYTES && arg[1] >= 1 && arg[1] <= WSKP_ECHO_CONNECTIONS &&
               arg[2] <= WSKP_ECHO_OPTIONS;
    case WSKP_OP_START_FAILURES:
        return Step->Step.Thread == 0;
    case WSKP_OP_UNLOAD:
    case WSKP_OP_UNLOADED:
        return TRUE;
    default:
        return FALSE;
    }
}

static void TakeBack(PERFORMER *Performer, ACT *Act, WSKT_RESULT *Result)
{
    *Result = Act->Result;
    memcpy(Performer->Kept, Act->Kept, sizeof Performer->Kept);
    memset(Act->Kept, 0, sizeof Act->Kept);
    if (Act->Device != NULL) {
        Performer->Device = Act->Device;
        Act->Device = NULL;
    }
    if (Act->Step.Op == WSKP_OP_OPEN) {
        Performer->Handles.File[Act->Step.Arg[0]] = Act->File;
        Act->OwnsFile = FALSE;
    }
}

/* What an act has that goes to a thread, where none could be had. */
static void DropAct(ACT *Act)
{
    FoldersFree(&Act->Folders);
    ActorLeave(Act->Target);
}

/* Gives the act its handle, and the request that it is to cancel. FALSE: there is none such. */
static BOOL GiveHandle(PERFORMER *Performer, ACT *Act)
{
    const WSKT_STEP *step = &Act->Step;
    UINT32 handle;

    if (step->Op == WSKT_OP_CANCEL && step->Arg[1] == WSKP_CANCEL_THREAD) {
        if (Performer->Actor[step->Arg[0]] != NULL)
            Act->Target = ActorHold(Performer->Actor[step->Arg[0]]);
        return Act->Target != NULL;
    }
    if (!GenericHandle(step, &handle))
        return TRUE;
    Act->File = Performer->Handles.File[handle];
    Act->OwnsFile = step->Op == WSKP_OP_OPEN || step->Op == WSKP_OP_CLOSE;
    return HandleFits(step->Op, &Act->File);
}

/* Keeps a request that is not back, where there is a place for it; else it is lost, and the caller lets go of
 * it. */
static ACTOR *KeepLate(PERFORMER *Performer, ACTOR *Actor)
{
    if (Performer->Late == NULL && ActorRequests(Actor)) {
        Performer->Late = Actor;
        return NULL;
    }
    Performer->Lost++;
    return Actor;
}

/* What the act owns goes to the thread, or is freed. */
static void Start(PERFORMER *Performer, const WSKP_STEP *Step, ACT_ROUTINE *Routine, ACT *Act,
                  WSKT_RESULT *Result)
{
    ACTOR **named = Step->Step.Thread != 0 ? &Performer->Actor[Step->Step.Thread - 1] : NULL;
    ACTOR *actor;
    ACT *back;

    if (named != NULL && *named != NULL) {
        DropAct(Act);
        RefuseStep(Result, STATUS_DEVICE_BUSY_VALUE);
        return;
    }
    actor = ActorStart(Routine, Act);
    if (actor == NULL) {
        DropAct(Act);
        RefuseStep(Result, STATUS_INSUFFICIENT_RESOURCES_VALUE);
        return;
    }
    if (Step->Step.Op == WSKP_OP_CLOSE) /* the thread's, whether it comes back or not */
        Performer->Handles.File[Step->Step.Arg[0]].Handle = NULL;
    if (named != NULL) {
        *named = actor;
        if (Step->Step.Op != WSKP_OP_UNLOAD) /* all others say when they are under way */
            ActorAwaitBegun(actor, Step->Step.TimeoutMs);
        Result->Origin = WSKT_ORIGIN_ASYNC;
        Result->Status = STATUS_PENDING_VALUE;
        Result->Executed = 1;
    } else {
        back = ActorAwait(actor, Step->Step.TimeoutMs);
        if (back != NULL) {
            TakeBack(Performer, back, Result);
        } else {
            Result->Origin = WSKT_ORIGIN_TIMEOUT;
            Result->Status = STATUS_TIMEOUT_VALUE;
            Result->Executed = 1;
            actor = KeepLate(Performer, actor);
        }
        ActorLeave(actor);
    }
}

/* WSKT_OP_BLOCKED and WSKT_OP_JOIN, of a thread of the agent. */
static void AwaitAnswer(PERFORMER *Performer, const WSKT_STEP *Step, WSKT_RESULT *Result)
{
    ACTOR **actor = &Performer->Actor[Step->Arg[0]];
    UINT64 begin = GetTickCount64();
    BOOL joins = Step->Op == WSKT_OP_JOIN;
    WSKT_RESULT operation;
    ACT *back;

    if (*actor == NULL) {
        RefuseStep(Result, STATUS_INVALID_DEVICE_STATE_VALUE);
        return;
    }
    back = ActorAwait(*actor, (UINT32)Step->Arg[1]);
    Result->Executed = 1;
    Result->ElapsedNs = Result->MaxNs = (GetTickCount64() - begin) * 1000000u;
    Result->Status = STATUS_TIMEOUT_VALUE;
    if (back == NULL) {
        Result->Origin = joins ? WSKT_ORIGIN_TIMEOUT : WSKT_ORIGIN_CALL;
        return;
    }
    Result->Value[WSKT_V_THREAD_STATUS] = back->Result.Status;
    Result->Value[WSKT_V_THREAD_DONE] = 1;
    Result->Value[WSKT_V_THREAD_NS] = back->Result.ElapsedNs;
    Result->Status = STATUS_SUCCESS_VALUE;
    if (!joins)
        return;
    TakeBack(Performer, back, &operation);
    Result->Status = operation.Status;
    Result->Origin = operation.Origin;
    for (UINT32 i = 0; i < WSKP_V_JOINED_COUNT; i++)
        Result->Value[WSKP_V_JOINED + i] = operation.Value[i];
    ActorLeave(*actor);
    *actor = NULL;
}

/* An unload that failed has left the driver where it was; a load that failed has left none. */
static void NoteUnloaded(PERFORMER *Performer, UINT32 Op, const WSKT_RESULT *Result)
{
    BOOL done = Result->Status == STATUS_SUCCESS_VALUE || Result->Origin == WSKT_ORIGIN_ASYNC;

    if (Op == WSKP_OP_UNLOAD)
        Performer->Unloaded = done;
    else if (Op == WSKP_OP_LOAD || Op == WSKP_OP_RELOAD)
        Performer->Unloaded = !done;
}

void Perform(PERFORMER *Performer, const WSKP_STEP *Step, const WSKT_UNIT *AtStart, DWORD AtStartBytes,
             WSKT_RESULT *Result)
{
    ACT act = {.Plan = Performer->Plan,
               .Step = Step->Step,
               .Words = PlanWords(Performer->Plan, Step->Text),
               .Journal = Performer->Journal,
               .SinceMs = Performer->SinceMs,
               .Cancel = Performer->Cancel};

    *Result = (WSKT_RESULT){0};
    if (Step->Step.Op == WSKT_OP_BLOCKED || Step->Step.Op == WSKT_OP_JOIN) {
        AwaitAnswer(Performer, &Step->Step, Result);
        return;
    }
    if (Performer->Over == NULL)
        Performer->Over = CreateEventW(NULL, TRUE, FALSE, NULL);
    act.Over = Performer->Over;
    if (act.Over == NULL || FoldersOf(Performer->Journal, &Performer->Plan->Case[Performer->Case],
                                      Performer->Case, &act.Folders) != ERROR_SUCCESS) {
        RefuseStep(Result, STATUS_INSUFFICIENT_RESOURCES_VALUE);
        return;
    }
    if (!GiveHandle(Performer, &act)) {
        DropAct(&act);
        RefuseStep(Result, STATUS_INVALID_HANDLE_VALUE);
        return;
    }
    if (Step->Step.Op == WSKP_OP_ECHO)
        act.Step.Arg[5] = AskPort(Performer->Device);
    if (AtStart != NULL) {
        act.StepsBytes = AtStartBytes;
        memcpy(act.Steps, AtStart, AtStartBytes);
    }
    for (size_t i = 0; i < ARRAYSIZE(DriverSteps); i++) {
        if (DriverSteps[i].Op != Step->Step.Op)
            continue;
        if (DriverSteps[i].TakesDevice) {
            DeviceClose(Performer->Device);
            Performer->Device = NULL;
        }
        Start(Performer, Step, DriverSteps[i].Routine, &act, Result);
        NoteUnloaded(Performer, Step->Step.Op, Result);
        return;
    }
    if (GenericHas(Step->Step.Op)) {
        Start(Performer, Step, DoGeneric, &act, Result);
        return;
    }
    DropAct(&act);
    RefuseStep(Result, STATUS_INVALID_DEVICE_STATE_VALUE);
}
