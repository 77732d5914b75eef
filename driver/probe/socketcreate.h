/* socketcreate.h - sockets that a client makes through its NPI. */
#pragma once

#include "stepcall.h"

/* WSKT_OP_SOCKET and WSKT_OP_SOCKET_CONNECT. */
PASSIVE_ROUTINE CreateRun, CreateConnectedRun;
OPERATION_CHECK CreateCheck, CreateConnectedCheck;
