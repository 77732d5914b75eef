/* batch.h - a list of steps, run repeatedly and on several threads. */
#pragma once

#include "kernel.h"
#include "wskabi.h"

/*
 * Checks a batch as it came from user mode: InputBytes of it, and OutputBytes for the answer.
 * Anything wrong with its shape fails the request; what is wrong with one step is that step's result.
 */
_IRQL_requires_max_(PASSIVE_LEVEL) _Must_inspect_result_ NTSTATUS
    BatchCheck(const WSKT_BATCH *Batch, ULONG InputBytes, ULONG OutputBytes);

/* What BatchRun writes for that many steps. */
_IRQL_requires_max_(HIGH_LEVEL) ULONG BatchResultBytes(UINT32 StepCount);

/*
 * Runs a checked batch and writes its result to Out, which may be where the batch came from. Returns
 * within the batch's TimeoutMs and a moment, unless a step on the calling thread itself does not
 * return.
 */
_IRQL_requires_max_(PASSIVE_LEVEL) _Must_inspect_result_ NTSTATUS
    BatchRun(const WSKT_BATCH *Batch, WSKT_BATCH_RESULT *Out);

/*
 * From now on a thread of a batch begins no other list after its first, which ends every loop, until that is
 * taken back.
 */
_IRQL_requires_max_(HIGH_LEVEL) VOID BatchesStop(BOOLEAN Stop);
