/*
 * unit.h - a list of steps, run repeatedly and on several threads.
 */
#pragma once

#include "sample.h"

/*
 * Checks a unit as it came from user mode: InputBytes of it, and OutputBytes for the answer.
 * Anything wrong with its shape fails the request; what is wrong with one step is that step's result.
 */
NTSTATUS UnitCheck(const WSKT_UNIT *Unit, ULONG InputBytes, ULONG OutputBytes);

/* What UnitRun writes for that many steps. */
ULONG UnitResultBytes(UINT32 StepCount);

/*
 * Runs a checked unit and writes its result to Out, which may be where the unit came from. Returns
 * within the unit's TimeoutMs and a moment, unless a step on the calling thread itself does not
 * return. PASSIVE_LEVEL.
 */
NTSTATUS UnitRun(const WSKT_UNIT *Unit, WSKT_UNIT_RESULT *Out);

/*
 * From now on a thread of a unit begins no other list after its first, which ends every loop, until that is
 * taken back. Any IRQL.
 */
VOID UnitsStop(BOOLEAN Stop);
