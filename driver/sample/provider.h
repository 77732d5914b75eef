/*
 * provider.h - control of the model provider, where that is what WSK calls go to.
 */
#pragma once

#include "sample.h"

/* WSKT_OP_PROVIDER and WSKT_OP_PROVIDER_STATE; refused where there is no model. IRQL <= DISPATCH_LEVEL. */
VOID ProviderSet(const UINT64 *Arg, WSKT_RESULT *Result);
VOID ProviderState(WSKT_RESULT *Result);

/* The model becomes as it is by default; elsewhere nothing happens. IRQL <= DISPATCH_LEVEL. */
VOID ProviderDefaults(VOID);
