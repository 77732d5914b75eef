/* echostep.c - the step that talks to the sample's echo server. */
#include "status.h"
#include "step.h"
#include "talk.h"

#define ASK_MS   5000u
#define PORT_ARG 5u /* where the step has the port that was asked for */

/* Asks the driver where its echo server listens; 0 where it does not say. */
static void AskPort(WSKT_STEP *Step, DEVICE *Device)
{
    WSKT_RESULT state;

    Step->Arg[PORT_ARG] = 0;
    if (Device != NULL && DeviceState(Device, 0, ASK_MS, &state) == ERROR_SUCCESS &&
        state.Origin == WSKT_ORIGIN_CALL)
        Step->Arg[PORT_ARG] = state.Value[WSKT_V_STATE_PORT];
}

static BOOL EchoFits(const WSKT_STEP *Step, WORDS Words)
{
    (void)Words;
    return Step->Arg[0] >= 1 && Step->Arg[1] >= 1;
}

static UINT32 DoEcho(STEP_RUN *Run)
{
    const UINT64 *arg = Run->Step->Arg;
    TALK talk = {
        .Port = (UINT16)arg[PORT_ARG],
        .Bytes = (UINT32)arg[0],
        .Connections = (UINT32)arg[1],
        .UntilClosed = (arg[2] & WSKP_ECHO_UNTIL_CLOSED) != 0,
        .Idle = (arg[2] & WSKP_ECHO_IDLE) != 0,
    };
    TALKED talked = {0};
    DWORD error = ERROR_SERVICE_NOT_ACTIVE; /* no server listens */

    if (talk.Port != 0 && (arg[2] & WSKP_ECHO_PROGRAM) != 0) {
        error = TalkAside(&talk, Run->Step->TimeoutMs);
        if (error == ERROR_SUCCESS)
            talked =
                (TALKED){.Bytes = (UINT64)talk.Bytes * talk.Connections, .Connections = talk.Connections};
    } else if (talk.Port != 0) {
        error = Talk(&talk, Run->Begun, Run->Step->TimeoutMs, &talked);
    }
    Run->Result->Value[WSKP_V_ECHO_BYTES] = talked.Bytes;
    Run->Result->Value[WSKP_V_ECHO_CONNECTIONS] = talked.Connections;
    Run->Result->Value[WSKP_V_ECHO_CLOSED] = talked.Closed;
    return StatusOfWin32(error);
}

const STEP_KIND EchoStep = {.Op = WSKP_OP_ECHO,
                            .Execute = DoEcho,
                            .ArgMax = {WSKP_ECHO_BYTES, WSKP_ECHO_CONNECTIONS, WSKP_ECHO_OPTIONS},
                            .Fits = EchoFits,
                            .Prepare = AskPort,
                            .Traits = STEP_ON_THREADS};
