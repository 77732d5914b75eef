/* output.h - what a step's program or device wrote, on its way into the journal. */
#pragma once

#include "journal.h"
#include "program.h"

/* Writes it as "output" events, a piece each, and frees it. Of says what it is of: "stdout", "stderr",
 * "report". */
void OutputWrite(JOURNAL *Journal, UINT32 Case, UINT32 Step, const char *Of, CAPTURE *Kept);
