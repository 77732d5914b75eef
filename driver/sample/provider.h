/*
 * provider.h - control of the provider, where what WSK calls go to can be controlled.
 */
#pragma once

#include "sample.h"

/* WSKT_OP_PROVIDER and WSKT_OP_PROVIDER_STATE; refused where it has no control. IRQL <= DISPATCH_LEVEL. */
VOID ProviderSet(const UINT64 *Arg, WSKT_RESULT *Result);
VOID ProviderState(WSKT_RESULT *Result);

/* The provider becomes as it is by default; elsewhere nothing happens. IRQL <= DISPATCH_LEVEL. */
VOID ProviderDefaults(VOID);

/* Not a success where a case has changed the provider, and it refused to be as before: nothing can be told by
 * it any more. Any IRQL. */
NTSTATUS ProviderIsDefault(VOID);
