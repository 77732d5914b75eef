/* caseend.h - the end of a case, for cases.c. */
#pragma once

#include "caselog.h"

/*
 * Tidies up after the case and says whether, and how, the run has to end with it. *Why becomes a worse one
 * where that shows only now.
 */
CASES_END EndCase(CASES *Cases, CASE_RUN *Run, WHY *Why);
