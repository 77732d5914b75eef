/*
 * inflight.c - the table of what is in flight.
 *
 * A slot's Version says in its two low bits what the slot is, and with the others how often it has been
 * used. Only the one who took the slot writes to it; a reader copies it and looks at Version again. If
 * that has changed, so has what is in flight, and there is nothing to wait for.
 */
#include "inflight.h"
#include "clock.h"

/* Threads and workers of the driver, its deferred procedure calls, and callers beside them. */
#define STEP_SLOTS 272u
/* As many as pending.c allows. */
#define IRP_SLOTS 512u

enum { SLOT_FREE = 0, SLOT_CHANGING = 1, SLOT_IN_USE = 2, SLOT_PHASE = 3, SLOT_PHASES = 4 };

typedef struct SLOT {
    volatile LONG Version;
    UINT64 Since; /* on ClockNs */
    WSKT_INFLIGHT What;
} SLOT;

static SLOT Slots[STEP_SLOTS + IRP_SLOTS]; /* first those of steps */

static UINT64 CurrentThread(VOID) { return (UINT64)(ULONG_PTR)PsGetCurrentThreadId(); }

/* Takes a free slot of Count from First on, beginning at a place that is the thread's own. */
static SLOT *TakeSlot(UINT32 First, UINT32 Count)
{
    UINT32 start = (UINT32)(CurrentThread() / 4 % Count); /* thread ids are multiples of 4 */

    for (UINT32 i = 0; i < Count; i++) {
        SLOT *slot = &Slots[First + (start + i) % Count];
        LONG version = slot->Version;

        if ((version & SLOT_PHASE) == SLOT_FREE &&
            InterlockedCompareExchange(&slot->Version, version + SLOT_CHANGING, version) == version) {
            return slot;
        }
    }
    return NULL;
}

/* From here on it can be read. */
static UINT32 Show(SLOT *Slot)
{
    Slot->Since = ClockNs();
    (VOID) InterlockedExchangeAdd(&Slot->Version, SLOT_IN_USE - SLOT_CHANGING);
    return (UINT32)(Slot - Slots);
}

UINT32 InflightBeginStep(const STEP_CALL *Call)
{
    SLOT *slot = TakeSlot(0, STEP_SLOTS);

    if (slot == NULL) {
        return NOT_INFLIGHT;
    }
    slot->What.Kind = WSKT_INFLIGHT_STEP;
    slot->What.Op = Call->Step.Op;
    slot->What.Context = Call->Step.Context;
    slot->What.Named = Call->Named;
    slot->What.Case = Call->Case;
    slot->What.Step = Call->Index;
    slot->What.Runner = Call->Runner;
    slot->What.Iteration = Call->Iteration;
    slot->What.Thread = CurrentThread();
    return Show(slot);
}

/* Copies what is in flight; FALSE if there is none, or it has changed meanwhile. */
static BOOLEAN ReadSlot(SLOT *Slot, WSKT_INFLIGHT *What, UINT64 *Since)
{
    /* Compare-exchanges that change nothing: neither processor nor compiler reads beyond them. */
    LONG version = InterlockedCompareExchange(&Slot->Version, 0, 0);

    if ((version & SLOT_PHASE) != SLOT_IN_USE) {
        return FALSE;
    }
    *What = Slot->What;
    *Since = Slot->Since;
    return InterlockedCompareExchange(&Slot->Version, 0, 0) == version;
}

/* The operation that the calling thread runs; it can't end while its thread is here. */
static BOOLEAN OwnStep(WSKT_INFLIGHT *What)
{
    UINT64 thread = CurrentThread();
    UINT32 start = (UINT32)(thread / 4 % STEP_SLOTS);
    UINT64 since;

    for (UINT32 i = 0; i < STEP_SLOTS; i++) {
        if (ReadSlot(&Slots[(start + i) % STEP_SLOTS], What, &since) && What->Thread == thread) {
            return TRUE;
        }
    }
    return FALSE;
}

UINT32 InflightBeginIrp(UINT32 Op)
{
    WSKT_INFLIGHT step = {0};
    BOOLEAN known = OwnStep(&step);
    SLOT *slot = TakeSlot(STEP_SLOTS, IRP_SLOTS);

    if (slot == NULL) {
        return NOT_INFLIGHT;
    }
    RtlZeroMemory(&slot->What, sizeof(slot->What));
    if (known) {
        slot->What = step;
    }
    slot->What.Kind = WSKT_INFLIGHT_IRP;
    slot->What.Op = Op;
    return Show(slot);
}

VOID InflightEnd(UINT32 Inflight)
{
    if (Inflight != NOT_INFLIGHT) {
        (VOID) InterlockedExchangeAdd(&Slots[Inflight].Version, SLOT_PHASES - SLOT_IN_USE);
    }
}

/* Puts it where it belongs by its age; the youngest falls out of a full list. */
static VOID Insert(WSKT_STATUS *Out, const WSKT_INFLIGHT *What)
{
    UINT32 at = Out->Listed;

    if (at == WSKT_MAX_INFLIGHT) {
        if (Out->Inflight[at - 1].ElapsedNs >= What->ElapsedNs) {
            return;
        }
        at--;
    } else {
        Out->Listed++;
    }
    for (; at > 0 && Out->Inflight[at - 1].ElapsedNs < What->ElapsedNs; at--) {
        Out->Inflight[at] = Out->Inflight[at - 1];
    }
    Out->Inflight[at] = *What;
}

VOID InflightList(WSKT_STATUS *Out)
{
    UINT64 now = ClockNs();

    for (UINT32 i = 0; i < STEP_SLOTS + IRP_SLOTS; i++) {
        WSKT_INFLIGHT what;
        UINT64 since;

        if (!ReadSlot(&Slots[i], &what, &since)) {
            continue;
        }
        what.ElapsedNs = now > since ? now - since : 0;
        Out->Steps += what.Kind == WSKT_INFLIGHT_STEP;
        Out->Irps += what.Kind == WSKT_INFLIGHT_IRP;
        Insert(Out, &what);
    }
}
