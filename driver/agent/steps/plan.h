/* plan.h - a compiled plan in memory, its tables and strings in bounds. */
#pragma once

#include "text.h"
#include "words.h"
#include "wskplan.h"

#define PLAN_RUN_ID_CHARS_MAX 128u

typedef struct PLAN {
    UINT8 *Data;
    const WSKP_HEADER *Header;
    const WSKP_CASE *Case; /* Header->CaseCount, and so on */
    const WSKP_BATCH *Batch;
    const WSKP_STEP *Step;
    const char *RunId;       /* plain characters, at most PLAN_RUN_ID_CHARS_MAX */
    wchar_t *DriverPath;     /* as PathOpen gives it; NULL: the driver is running already */
    wchar_t ServiceName[65]; /* as ServiceNameValid wants it */
    BOOL External;           /* WSKP_EXTERNAL */
    BOOL NeverUnload;        /* WSKP_NEVER_UNLOAD */
    WORDS Settings;          /* of an external driver's service */
} PLAN;

/*
 * Reads a plan file, for plancheck.c. FALSE with the reason in Reason: what is wrong, and where. In either
 * case the plan is to be given to PlanFree.
 */
_Must_inspect_result_ BOOL PlanRead(PLAN *Plan, const wchar_t *Path, TEXT *Reason);
void PlanFree(PLAN *Plan);

/* Adds why a plan is refused; FALSE. */
BOOL PlanUnfit(TEXT *Reason, const char *What);

/* NULL when it is out of bounds. */
const char *PlanString(const WSKP_HEADER *Header, UINT32 Offset);

/* The list of texts at an offset into the strings, which has to be in bounds. */
WORDS PlanWords(const PLAN *Plan, UINT32 Offset);
