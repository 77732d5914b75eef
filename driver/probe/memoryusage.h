/* memoryusage.h - how much memory is in use, for finding leaks that are not this driver's own blocks. */
#pragma once

#include "stepcall.h"

/* WSKT_OP_MEMORY. */
PASSIVE_ROUTINE MemoryRun;
OPERATION_CHECK MemoryCheck;
