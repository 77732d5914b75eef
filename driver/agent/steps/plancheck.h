/* plancheck.h - a plan of which every case, batch and step is one that this agent can run. */
#pragma once

#include "plan.h"

/* As PlanRead, and checks what the tables hold: nothing in them is looked at again. */
_Must_inspect_result_ BOOL PlanLoad(PLAN *Plan, const wchar_t *Path, TEXT *Reason);
