/* transfer.h - sending and receiving. */
#pragma once

#include "stepcall.h"

/* WSKT_OP_SEND, RECEIVE, SEND_TO and RECEIVE_FROM. */
PASSIVE_ROUTINE SendRun, ReceiveRun, SendToRun, ReceiveFromRun;
OPERATION_CHECK TransferCheck, SendToCheck;
