/* serverstep.c - steps about the sample's own server. */
#include "serverstep.h"
#include "pool.h"
#include "server.h"
#include "socket.h"

static PASSIVE_ROUTINE ActivateRun, DeactivateRun, StateRun;

static const UINT64 Phases[] = {
    [SERVER_INACTIVE] = WSKT_PHASE_INACTIVE,   [SERVER_STARTING] = WSKT_PHASE_STARTING,
    [SERVER_LISTENING] = WSKT_PHASE_LISTENING, [SERVER_FAILED] = WSKT_PHASE_FAILED,
    [SERVER_STOPPING] = WSKT_PHASE_STOPPING,
};

static volatile LONG ByEntry; /* DriverEntry has activated it, and no step since then */

VOID ServerStepsAtStart(BOOLEAN Activated) { (VOID) InterlockedExchange(&ByEntry, Activated); }

static VOID TellState(NTSTATUS Status, WSKT_RESULT *Result)
{
    SERVER_STATE state;

    ServerDescribe(&state);
    Result->Status = (UINT32)Status;
    Result->Value[WSKT_V_STATE_PHASE] = Phases[state.Phase];
    Result->Value[WSKT_V_STATE_STATUS] = (UINT32)state.Status;
    Result->Value[WSKT_V_STATE_VERSION] = state.Version;
    Result->Value[WSKT_V_STATE_PORT] = state.Port;
    Result->Value[WSKT_V_STATE_NEGOTIATED] = state.Negotiated;
    Result->Value[WSKT_V_STATE_ACCEPTED] = state.Accepted;
    Result->Value[WSKT_V_STATE_OPEN] = SocketsOpen();
    Result->Value[WSKT_V_STATE_BYTES] = state.Bytes;
    Result->Value[WSKT_V_STATE_NPI_HELD] = state.NpiHeld;
    Result->Value[WSKT_V_STATE_ALLOCATIONS] = (UINT64)PoolBlocks(POOL_SERVER) + PoolBlocks(POOL_CASE);
}

static VOID ActivateRun(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    NTSTATUS status;

    UNREFERENCED_PARAMETER(Call);
    if (ServerActivate(&status)) {
        ServerStepsAtStart(FALSE);
        TellState(status, Result);
    } else {
        Refuse(Result, STATUS_INVALID_DEVICE_STATE);
    }
}

static VOID DeactivateRun(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    UNREFERENCED_PARAMETER(Call);
    if (ServerDeactivate()) {
        TellState(STATUS_SUCCESS, Result);
    } else {
        Refuse(Result, STATUS_INVALID_DEVICE_STATE);
    }
}

static VOID StateRun(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    TellState(ServerSettle(WithinBatch(Call, Call->Step.Arg[0])), Result);
}

BOOLEAN ServerOnDemand(VOID)
{
    SERVER_STATE state;

    ServerDescribe(&state);
    return state.Phase != SERVER_INACTIVE && ByEntry == 0;
}

const OPERATION ActivateOperation = {ActivateRun, NULL, LEVEL_PASSIVE};
const OPERATION DeactivateOperation = {DeactivateRun, NULL, LEVEL_PASSIVE};
const OPERATION StateOperation = {StateRun, MsCheck, LEVEL_PASSIVE};
