/* genericsteps.h - what performs each generic step, for generic.c, and what these share. */
#pragma once

#include "generic.h"

/* Does the path of a step begin with a drive? Then it counts from no folder. */
BOOL HasDrive(const wchar_t *Path);

/* A path of a step, checked; one that is not absolute counts from Folder. NULL with the reason. To be freed.
 */
wchar_t *GenericPath(const wchar_t *Folder, const wchar_t *Path, DWORD *Error);

/*
 * The path of something that is there: in the case's folder, or else in its suite's. Where it is in neither,
 * that in the case's. NULL with the reason. To be freed.
 */
wchar_t *GenericFind(const GENERIC *Generic, const wchar_t *Path, DWORD *Error);
#define REQUEST_TEXTS_MAX 16u

/* Has the request texts and arguments that it takes? */
BOOL RequestKnows(const WSKT_STEP *Step, WORDS Words);

/* Each returns the step's status, and leaves values and outputs in Generic. */
UINT32 DoUpload(GENERIC *Generic);
UINT32 DoCollect(GENERIC *Generic);
UINT32 DoRun(GENERIC *Generic);
UINT32 DoRequest(GENERIC *Generic);
UINT32 DoOpen(GENERIC *Generic);
UINT32 DoClose(GENERIC *Generic);
UINT32 DoCancelHandle(GENERIC *Generic);
UINT32 DoRegistry(GENERIC *Generic);
UINT32 DoEventLog(GENERIC *Generic);
