/* genericpath.h - the paths of steps: what they count from, and where a file is found. */
#pragma once

#include "step.h"

/* Does the path of a step begin with a drive? Then it counts from no folder. */
BOOL HasDrive(const wchar_t *Path);

/* A path of a step, checked; one that is not absolute counts from Folder. NULL with the reason. To be freed.
 */
wchar_t *GenericPath(const wchar_t *Folder, const wchar_t *Path, DWORD *Error);

/*
 * The path of something that is there: in the case's folder, or else in its suite's. Where it is in neither,
 * that in the case's. NULL with the reason. To be freed.
 */
wchar_t *GenericFind(const STEP_RUN *Run, const wchar_t *Path, DWORD *Error);
