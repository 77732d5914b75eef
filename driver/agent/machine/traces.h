/* traces.h - what crashes of this machine have left. */
#pragma once

#include "text.h"

/* Adds "dumps", "crash" (where they are looked for) and "eventLog". An error is why the dumps could not be
 * listed: they are null then. */
DWORD TracesAdd(TEXT *Text);
