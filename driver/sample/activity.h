/*
 * activity.h - what is under way in the driver, for whoever asks while something is stuck.
 *
 * Each operation that runs, and each IRP that a provider has, holds a slot of a fixed table. Nothing
 * here waits or takes a lock, so that a thread that is stuck, whatever it holds, hides nothing.
 */
#pragma once

#include "step.h"

#define NO_ACTIVITY 0xFFFFFFFFu

/*
 * Notes that the calling thread begins the operation. Returns what ActivityEnd takes: NO_ACTIVITY where
 * the table is full, and then it is not told. IRQL <= DISPATCH_LEVEL.
 */
UINT32 ActivityBeginStep(const STEP_CALL *Call);

/* The same for an IRP that the operation of the calling thread makes. PASSIVE_LEVEL. */
UINT32 ActivityBeginIrp(UINT32 Op);

/* IRQL <= DISPATCH_LEVEL. */
VOID ActivityEnd(UINT32 Activity);

/*
 * Lists what is under way, the oldest first, and fills in the counts of it. What begins or ends
 * meanwhile may be left out: it is not stuck. Any IRQL.
 */
VOID ActivitiesList(WSKT_STATUS *Out);
