/*
 * task.h - threads that execute the agent's steps. A step may wait for the driver, and the driver for
 * something that only happens later, or never: so each has a thread that can be given up.
 */
#pragma once

#include "step.h"

/* A time that only goes up. */
UINT64 NowNs(void);

/*
 * Starts a thread on a copy of Run and of all that it points to, to which belongs what Run owns: Folders,
 * Target, and the handle that a step opens or closes. NULL where there is no memory for it, or no thread:
 * then that is the caller's still. The task is to be given to TaskRelease.
 */
_Must_inspect_result_ TASK *TaskStart(const STEP_KIND *Kind, const STEP_RUN *Run);

/* Has its step one of these traits? */
BOOL TaskIs(const TASK *Task, UINT32 Traits);

/* Waits for the step to have begun, or to be back. */
void TaskAwaitBegun(TASK *Task, UINT32 Ms);

/* What the step has left, once it is back; NULL if it is not within Ms. */
STEP_RUN *TaskAwait(TASK *Task, UINT32 Ms);

/* Another reference to it. */
_Must_inspect_result_ TASK *TaskReference(TASK *Task);

/*
 * Cancels the request to a device that the task's step makes, or is about to make. ERROR_NOT_FOUND: it has
 * made none within Ms, or is back from it.
 */
DWORD TaskCancel(TASK *Task, UINT32 Ms);

/*
 * Gives up a reference, NULL too. With the last one goes what nobody has taken, such as a device; a thread
 * that is not back has one.
 */
void TaskRelease(TASK *Task);
