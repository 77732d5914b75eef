/*
 * socketcall.h - the calls on named sockets, but for those that transfer data.
 */
#pragma once

#include "stepcall.h"

/* WSKT_OP_BIND, CONNECT, ACCEPT, DISCONNECT, CLOSE and ADDRESS. */
PASSIVE_ROUTINE BindRun, ConnectRun, AcceptRun, DisconnectRun, CloseRun, AddressRun;

/* Closes a named socket that nobody is at; waits for so long. */
_IRQL_requires_max_(PASSIVE_LEVEL) VOID
    SocketClose(UINT32 Index, BOOLEAN WithIrp, UINT32 WaitMs, WSKT_RESULT *Result);
