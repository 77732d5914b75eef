/* integrity.h - what of the machine's settings lets drivers load, or refuses them, beyond what its kernel
 * tells. */
#pragma once

#include "text.h"

/* Adds "policies", "smartAppControl" and "trusted": of each, null where it can't be found out. */
void IntegrityFacts(TEXT *Text);
