/*
 * generic.c - the steps that need nothing of a driver but that it is one: which there are.
 */
#include "generic.h"
#include "genericsteps.h"
#include "runorder.h"
#include "settings.h"

#include <stdlib.h>

static UINT32 DoSleep(GENERIC *Generic)
{
    Sleep((DWORD)Generic->Step->Arg[0]);
    return 0; /* STATUS_SUCCESS */
}

#define ON_THREADS       0x1u /* it may be started on a thread, and sets Begun there */
#define IN_LOOPS         0x2u /* it may run in a loop, on several threads side by side */
#define UPLOAD_TEXTS_MAX 4096u

typedef struct GENERIC_STEP {
    UINT32 Op;
    UINT32 (*Routine)(GENERIC *Generic);
    unsigned TextsMin, TextsMax;
    UINT32 Where;
} GENERIC_STEP;

static const GENERIC_STEP GenericSteps[] = {
    {WSKP_OP_UPLOAD, DoUpload, 2, UPLOAD_TEXTS_MAX, 0},
    {WSKP_OP_RUN, DoRun, 2, RUN_TEXTS_MAX, ON_THREADS},
    {WSKP_OP_COLLECT, DoCollect, 2, 2, 0},
    {WSKP_OP_EVENT_LOG, DoEventLog, 2, 3, 0},
    {WSKP_OP_REGISTRY, DoRegistry, 2, 3, 0},
    {WSKP_OP_OPEN, DoOpen, 1, 1, IN_LOOPS},
    {WSKP_OP_CLOSE, DoClose, 0, 0, IN_LOOPS},
    {WSKP_OP_IOCTL, DoRequest, 0, REQUEST_TEXTS_MAX, ON_THREADS | IN_LOOPS},
    {WSKP_OP_READ, DoRequest, 0, REQUEST_TEXTS_MAX, ON_THREADS | IN_LOOPS},
    {WSKP_OP_WRITE, DoRequest, 0, REQUEST_TEXTS_MAX, ON_THREADS | IN_LOOPS},
    {WSKT_OP_CANCEL, DoCancelHandle, 0, 0, IN_LOOPS},
    {WSKT_OP_SLEEP, DoSleep, 0, 0, IN_LOOPS},
};

/* NULL: there is no such step. */
static const GENERIC_STEP *GenericStepOf(UINT32 Op)
{
    for (size_t i = 0; i < ARRAYSIZE(GenericSteps); i++) {
        if (GenericSteps[i].Op == Op)
            return &GenericSteps[i];
    }
    return NULL;
}

BOOL GenericHas(UINT32 Op)
{
    return GenericStepOf(Op) != NULL;
}

static BOOL RunTextsFit(WORDS Words)
{
    RUN_ORDER order;
    BOOL fit = RunOrderRead(Words, &order);

    RunOrderFree(&order);
    return fit;
}

static BOOL ArgumentsFit(const WSKT_STEP *Step, WORDS Words)
{
    const UINT64 *arg = Step->Arg;

    switch (Step->Op) {
    case WSKP_OP_RUN:
        return Step->Arg[0] <= WSKP_MAX_WAIT_MS && Step->Arg[1] <= WSKP_RUN_OPTIONS && RunTextsFit(Words);
    case WSKP_OP_UPLOAD:
        return Step->Arg[0] <= WSKP_UPLOAD_OPTIONS;
    case WSKP_OP_REGISTRY:
        return Step->Arg[0] <= WSKP_REGISTRY_DELETE && Step->Arg[1] <= 1 && Step->Arg[2] <= 1 &&
               Step->Arg[3] <= REG_QWORD;
    case WSKP_OP_EVENT_LOG:
    case WSKT_OP_SLEEP:
        return arg[0] <= WSKT_MAX_WAIT_MS;
    case WSKP_OP_OPEN:
        return arg[0] < WSKP_MAX_HANDLES && arg[1] <= WSKP_OPEN_SYNCHRONOUS;
    case WSKP_OP_CLOSE:
        return arg[0] < WSKP_MAX_HANDLES;
    case WSKT_OP_CANCEL:
        return arg[1] == WSKP_CANCEL_HANDLE && arg[0] < WSKP_MAX_HANDLES;
    case WSKP_OP_IOCTL:
    case WSKP_OP_READ:
    case WSKP_OP_WRITE:
        return RequestKnows(Step, Words);
    default:
        return TRUE;
    }
}

BOOL GenericKnows(const WSKT_STEP *Step, WORDS Words)
{
    const GENERIC_STEP *known = GenericStepOf(Step->Op);
    WORDS counted = Words;
    unsigned texts = 0;

    if (known == NULL || Step->TimeoutMs == 0 ||
        Step->TimeoutMs > (Step->Op == WSKP_OP_RUN ? WSKP_MAX_WAIT_MS : WSKT_MAX_WAIT_MS))
        return FALSE;
    while (WordsNext(&counted) != NULL)
        texts++;
    return Step->Thread <= ((known->Where & ON_THREADS) != 0 ? WSKT_MAX_THREADS : 0) &&
           texts >= known->TextsMin && texts <= known->TextsMax && ArgumentsFit(Step, Words);
}

BOOL GenericLoops(const WSKT_STEP *Step)
{
    const GENERIC_STEP *known = GenericStepOf(Step->Op);

    if (Step->Op == WSKT_OP_CANCEL && Step->Arg[1] != WSKP_CANCEL_HANDLE)
        return FALSE; /* of a thread's request: no step of a loop is on a thread with a name */
    return known != NULL && (known->Where & IN_LOOPS) != 0;
}

BOOL GenericHandle(const WSKT_STEP *Step, UINT32 *Handle)
{
    switch (Step->Op) {
    case WSKP_OP_OPEN:
    case WSKP_OP_CLOSE:
        *Handle = (UINT32)Step->Arg[0];
        return TRUE;
    case WSKT_OP_CANCEL:
        *Handle = (UINT32)Step->Arg[0];
        return Step->Arg[1] == WSKP_CANCEL_HANDLE;
    case WSKP_OP_IOCTL:
    case WSKP_OP_READ:
    case WSKP_OP_WRITE:
        *Handle = (UINT32)Step->Arg[2] - 1;
        return Step->Arg[2] != 0;
    default:
        return FALSE;
    }
}

void GenericPerform(GENERIC *Generic)
{
    const GENERIC_STEP *known = GenericStepOf(Generic->Step->Op);

    if (known != NULL)
        Generic->Result->Status = known->Routine(Generic);
}
