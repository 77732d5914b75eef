/*
 * inflight.h - what is in flight in the driver, for whoever asks while something is stuck.
 *
 * Each operation that runs, and each IRP that a provider has, takes a slot of a fixed table. Nothing
 * here waits or takes a lock, so that a thread that is stuck, whatever it holds, hides nothing.
 */
#pragma once

#include "stepcall.h"

#define NOT_INFLIGHT 0xFFFFFFFFu

/*
 * Notes that the calling thread begins the operation. Returns what InflightEnd takes: NOT_INFLIGHT where
 * the table is full, and then it is not told.
 */
_IRQL_requires_max_(DISPATCH_LEVEL) UINT32 InflightBeginStep(const STEP_CALL *Call);

/* The same for an IRP that the operation of the calling thread makes. */
_IRQL_requires_max_(DISPATCH_LEVEL) UINT32 InflightBeginIrp(UINT32 Op);

_IRQL_requires_max_(DISPATCH_LEVEL) VOID InflightEnd(UINT32 Inflight);

/*
 * Lists what is in flight, the oldest first, and fills in the counts of it. What begins or ends
 * meanwhile may be left out: it is not stuck.
 */
_IRQL_requires_max_(HIGH_LEVEL) VOID InflightList(WSKT_STATUS *Out);
