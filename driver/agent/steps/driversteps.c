/* driversteps.c - the steps that stop and start the driver's service. */
#include "driver.h"
#include "poolusage.h"
#include "start.h"
#include "status.h"
#include "step.h"

#define RELOAD_TIMES_MAX 10000u
#define STOP_MARGIN_MS   5000u

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
static DWORD Unload(const STEP_RUN *Run, UINT64 *Value)
{
    UINT64 begin = GetTickCount64(), took;
    WSKT_UNLOAD unloaded;
    /* Longer than the step may take: of a driver that does not go the step has to say so, as hung. */
    DWORD error = DriverStop(Run->Plan->ServiceName, Run->Step->TimeoutMs + STOP_MARGIN_MS);

    took = (GetTickCount64() - begin) * 1000000u;
    if (error == ERROR_SUCCESS && !Run->Plan->External)
        error = ReadUnloaded(Run->Plan, &unloaded);
    if (error != ERROR_SUCCESS)
        return error;
    if (!Run->Plan->External)
        AddUnloaded(&unloaded, Value);
    Value[WSKP_V_UNLOAD_TIMES]++;
    if (Value[WSKP_V_UNLOAD_LONGEST_NS] < took)
        Value[WSKP_V_UNLOAD_LONGEST_NS] = took;
    return ERROR_SUCCESS;
}

static UINT32 DoUnload(STEP_RUN *Run)
{
    SetEvent(Run->Begun);
    return StatusOfWin32(Unload(Run, Run->Result->Value));
}

static UINT32 DoUnloaded(STEP_RUN *Run)
{
    WSKT_UNLOAD unloaded;
    DWORD error = ReadUnloaded(Run->Plan, &unloaded);

    if (error == ERROR_SUCCESS)
        AddUnloaded(&unloaded, Run->Result->Value);
    return StatusOfWin32(error);
}

/* ---- load ---- */

static UINT32 DoLoad(STEP_RUN *Run)
{
    START_WITH with = StartWithOf(Run->Step, Run->AtStart, Run->AtStartBytes);
    START start = {0};

    /* Of an external driver the service stays as it is, with what the case has made of its parameters. */
    if (Run->Plan->External)
        (void)StartAgain(Run->Plan, &Run->Device, &start);
    else
        (void)StartUp(Run->Plan, &with, &Run->Device, &start);
    StartTell(&start, Run->Result);
    return Run->Result->Status;
}

/* ---- reload ---- */

static BOOL ReloadFits(const WSKT_STEP *Step, WORDS Words)
{
    (void)Words;
    return Step->Arg[0] >= 1;
}

static UINT32 DoReload(STEP_RUN *Run)
{
    UINT64 *value = Run->Result->Value, before = 0, after = 0;
    BOOL counted = PoolUsage(Run->Words, &before);
    START start = {0};
    DWORD error = ERROR_SUCCESS;

    for (UINT64 i = 0; error == ERROR_SUCCESS && start.Why == NULL && i < Run->Step->Arg[0]; i++) {
        DeviceClose(Run->Device);
        Run->Device = NULL;
        error = Unload(Run, value);
        if (error == ERROR_SUCCESS)
            (void)StartAgain(Run->Plan, &Run->Device, &start);
    }
    counted = counted && PoolUsage(Run->Words, &after);
    value[WSKP_V_UNLOAD_POOL_COUNTED] = counted;
    value[WSKP_V_UNLOAD_POOL_GROWTH] = counted && after > before ? after - before : 0;
    return error == ERROR_SUCCESS ? StartStatus(&start) : StatusOfWin32(error);
}

/* ---- all of them ---- */

const STEP_KIND UnloadStep = {
    .Op = WSKP_OP_UNLOAD, .Execute = DoUnload, .Traits = STEP_ON_THREADS | STEP_STOPS | STEP_UNLOADS};
const STEP_KIND UnloadedStep = {.Op = WSKP_OP_UNLOADED, .Execute = DoUnloaded, .Traits = STEP_ON_THREADS};
/* A load stops what runs under the service's name. */
const STEP_KIND LoadStep = {.Op = WSKP_OP_LOAD,
                            .Execute = DoLoad,
                            .ArgMax = {MAXUINT32},
                            .Traits = STEP_STOPS | STEP_LOADS | STEP_STARTS};
const STEP_KIND ReloadStep = {.Op = WSKP_OP_RELOAD,
                              .Execute = DoReload,
                              .ArgMax = {RELOAD_TIMES_MAX},
                              .Fits = ReloadFits,
                              .TextsMax = STEP_ANY_TEXTS,
                              .Traits = STEP_STOPS | STEP_LOADS};
const STEP_KIND RebootStep = {.Op = WSKP_OP_REBOOT,
                              .ArgMax = {MAXUINT32, 0, SERVICE_DEMAND_START, MAXUINT32, WSKT_MAX_WAIT_MS},
                              .Traits = STEP_REBOOTS | STEP_STARTS};
