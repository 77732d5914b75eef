/* genericsteps.h - what performs each generic step, for generic.c, and what these share. */
#pragma once

#include "generic.h"

/* A path of a step, checked; one that is not absolute counts from Folder. NULL with the reason. To be freed.
 */
wchar_t *GenericPath(const wchar_t *Folder, const wchar_t *Path, DWORD *Error);

/* Each returns the step's status, and leaves values and outputs in Generic. */
UINT32 DoUpload(GENERIC *Generic);
UINT32 DoCollect(GENERIC *Generic);
UINT32 DoRun(GENERIC *Generic);
UINT32 DoIoctl(GENERIC *Generic);
UINT32 DoEventLog(GENERIC *Generic);
