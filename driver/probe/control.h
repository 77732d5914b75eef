/* control.h - control operations on clients and sockets. */
#pragma once

#include "stepcall.h"

/* From within an event callback of the socket, with a NULL IRP. */
_IRQL_requires_max_(DISPATCH_LEVEL) NTSTATUS ControlDisableEvent(PWSK_SOCKET Socket, ULONG Event);
