/* poolusage.h - what the kernel counts of a driver's pool. */
#pragma once

#include <windows.h>

#include "words.h"

/*
 * Bytes in use under any of these tags, paged and nonpaged: texts of one to four characters, of which '*' at
 * the end stands for any others. An empty list: the sample's tag. FALSE where the kernel does not count by
 * tag: Wine.
 */
BOOL PoolUsage(WORDS Tags, UINT64 *Bytes);
