/* provider.h - control of the provider, where what WSK calls go to can be controlled. */
#pragma once

#include "stepcall.h"

/* The provider becomes as it is by default; elsewhere nothing happens. */
_IRQL_requires_max_(DISPATCH_LEVEL) VOID ProviderDefaults(VOID);

/*
 * Not a success where a case has changed the provider, and it refused to be as before: nothing can be told by
 * it any more.
 */
_IRQL_requires_max_(HIGH_LEVEL) _Must_inspect_result_ NTSTATUS ProviderIsDefault(VOID);
