/*
 * query.h - WskQueryProviderCharacteristics for suites.
 */
#pragma once

#include "sample.h"

/*
 * Calls it; where the kernel's netio.sys only pretends to have the function and raises an exception
 * (Wine: 0x80000100), the exception's code is the status. IRQL <= DISPATCH_LEVEL.
 */
NTSTATUS QueryCharacteristics(PWSK_REGISTRATION Registration, PWSK_PROVIDER_CHARACTERISTICS Range);
