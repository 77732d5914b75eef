/* capture.h - the provider NPIs that named clients have captured. */
#pragma once

#include "client.h"

/*
 * The provider NPI that the client has captured, for one call through it; FALSE if it has none. Until
 * CaptureLeave the last capture is not released, unless as misuse.
 */
_IRQL_requires_max_(DISPATCH_LEVEL) _Must_inspect_result_ BOOLEAN
    CaptureEnter(UINT32 Index, WSK_PROVIDER_NPI *Npi);
_IRQL_requires_max_(DISPATCH_LEVEL) VOID CaptureLeave(UINT32 Index);

/* Releases everything that any client holds. */
_IRQL_requires_max_(DISPATCH_LEVEL) VOID CapturesReleaseAll(VOID);
