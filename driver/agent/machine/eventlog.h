/* eventlog.h - lines of the event log of Windows. */
#pragma once

#include "program.h"

/*
 * Waits until the channel has an event that was written at most SinceMs before the call, or since, that the
 * conditions (of XPath, on its System element; each with " and " behind it) select, and whose XML contains
 * Text (NULL: any). ERROR_SUCCESS with its XML in Kept, as UTF-8; ERROR_TIMEOUT; ERROR_NOT_SUPPORTED where
 * there is no event log.
 */
DWORD EventLogAwait(const wchar_t *Channel, const wchar_t *Conditions, const wchar_t *Text, UINT64 SinceMs,
                    UINT32 WaitMs, CAPTURE *Kept);
