/* stepkinds.c - which kinds of steps the agent executes itself. */
#include "step.h"

/* Each is in the file that has its functions: nothing but the list below asks for one of them by name. */
extern const STEP_KIND UploadStep, CollectStep, RunStep, EventLogStep, RegistryStep, OpenStep, CloseStep,
    IoctlStep, ReadDeviceStep, WriteDeviceStep, CancelHandleStep, CancelTaskStep, BlockedStep, JoinStep,
    SleepStep, UnloadStep, UnloadedStep, LoadStep, ReloadStep, RebootStep, StartFailuresStep, EchoStep;

static const STEP_KIND *const StepKinds[] = {
    &UploadStep,  &CollectStep, &RunStep,           &EventLogStep,    &RegistryStep,     &OpenStep,
    &CloseStep,   &IoctlStep,   &ReadDeviceStep,    &WriteDeviceStep, &CancelHandleStep, &CancelTaskStep,
    &BlockedStep, &JoinStep,    &SleepStep,         &UnloadStep,      &UnloadedStep,     &LoadStep,
    &ReloadStep,  &RebootStep,  &StartFailuresStep, &EchoStep,
};

const STEP_KIND *StepKindOf(const WSKT_STEP *Step)
{
    for (size_t i = 0; i < ARRAYSIZE(StepKinds); i++) {
        const STEP_KIND *kind = StepKinds[i];

        if (kind->Op == Step->Op && (kind->Is == NULL || kind->Is(Step)))
            return kind;
    }
    return NULL;
}

BOOL StepIs(const WSKT_STEP *Step, UINT32 Traits)
{
    const STEP_KIND *kind = StepKindOf(Step);

    return kind != NULL && (kind->Traits & Traits) != 0;
}

BOOL StepFits(const WSKT_STEP *Step, WORDS Words)
{
    const STEP_KIND *kind = StepKindOf(Step);
    WORDS counted = Words;
    UINT32 texts = 0;

    if (kind == NULL || Step->TimeoutMs == 0 ||
        Step->TimeoutMs > ((kind->Traits & STEP_WAITS_LONG) != 0 ? WSKP_MAX_WAIT_MS : WSKT_MAX_WAIT_MS))
        return FALSE;
    for (size_t i = 0; i < WSKT_MAX_ARGS; i++) {
        if (kind->ArgMax[i] != 0 && Step->Arg[i] > kind->ArgMax[i])
            return FALSE;
    }
    while (WordsNext(&counted) != NULL)
        texts++;
    return Step->Thread <= ((kind->Traits & STEP_ON_THREADS) != 0 ? WSKT_MAX_THREADS : 0) &&
           texts >= kind->TextsMin && texts <= kind->TextsMax &&
           (kind->Fits == NULL || kind->Fits(Step, Words));
}
