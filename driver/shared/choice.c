/* choice.c - choosing by chance so that the same seed chooses the same, on every machine. */
#include "choice.h"

BOOLEAN ChoiceRead(const WSKT_BATCH *Batch, CHOICE *Choice)
{
    UINT32 share = 0;
    UINT32 group = 0;

    for (UINT32 i = 0; i < Batch->StepCount; i++) {
        const WSKT_STEP *step = &Batch->Step[i];

        if (i != 0 && step->Group == group) {
            continue;
        }
        if (step->Group != (i != 0 ? group + 1 : 0)) {
            return FALSE;
        }
        group = step->Group;
        share += Batch->Groups != 0 ? step->Weight : 1;
        Choice->First[group] = i;
        Choice->Share[group] = share;
        if (Batch->Groups != 0 && step->Weight == 0) {
            return FALSE;
        }
    }
    Choice->Groups = group + 1;
    Choice->First[group + 1] = Batch->StepCount;
    return Choice->Groups == (Batch->Groups != 0 ? Batch->Groups : 1);
}

UINT64 ChoiceSeed(UINT32 Seed, UINT32 Thread) { return Seed + ((UINT64)Thread << 32); }

/* SplitMix64. */
static UINT32 NextRandom(UINT64 *State)
{
    UINT64 z = *State += 0x9E3779B97F4A7C15ull;

    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ z >> 27) * 0x94D049BB133111EBull;
    return (UINT32)(z >> 33);
}

UINT32 ChoiceNext(const CHOICE *Choice, UINT64 *State)
{
    UINT32 last = Choice->Groups - 1;
    UINT32 at = last != 0 ? NextRandom(State) % Choice->Share[last] : 0;
    UINT32 group = 0;

    while (at >= Choice->Share[group]) {
        group++;
    }
    return group;
}
