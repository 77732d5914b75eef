/* socketcall.h - the calls on named sockets, but for those that transfer data. */
#pragma once

#include "stepcall.h"

/* Starts closing what is open and nobody is at. Not waited for. */
_IRQL_requires_max_(PASSIVE_LEVEL) VOID SocketsClose(VOID);

/* In Unload: closes all, those that are only being made as well, and waits for it. */
_IRQL_requires_max_(PASSIVE_LEVEL) VOID SocketsEnd(VOID);
