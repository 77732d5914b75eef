/* poolusage.h - what the kernel counts of the driver's own pool. */
#pragma once

#include <windows.h>

/*
 * Bytes in use under the sample's pool tag, paged and nonpaged. FALSE where the kernel does not count by
 * tag: Wine.
 */
BOOL PoolUsage(UINT64 *Bytes);
