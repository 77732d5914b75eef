/*
 * choice.h - which steps a thread runs next: all of them in order, or one of several groups, by chance
 * and weight.
 */
#pragma once

#include "wskabi.h"

typedef struct CHOICE {
    UINT32 Groups;                    /* at least 1 */
    UINT32 First[WSKT_MAX_STEPS + 1]; /* step of each group; one more for where the last one ends */
    UINT32 Share[WSKT_MAX_STEPS];     /* weights of the groups up to and with each */
} CHOICE;

/* FALSE if the groups of the batch are not in order, or one has no weight. Its counts were checked. */
_IRQL_requires_max_(HIGH_LEVEL) _Must_inspect_result_ BOOLEAN
    ChoiceRead(const WSKT_BATCH *Batch, CHOICE *Choice);

/* Where the choices of one thread begin. */
_IRQL_requires_max_(HIGH_LEVEL) UINT64 ChoiceSeed(UINT32 Seed, UINT32 Thread);

/* The group that comes next. */
_IRQL_requires_max_(HIGH_LEVEL) UINT32 ChoiceNext(const CHOICE *Choice, UINT64 *State);
