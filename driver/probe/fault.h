/* fault.h - faults of the driver that a step asks for. */
#pragma once

#include "stepcall.h"

/* WSKT_OP_FAULT. Some do not return. */
OPERATION_ROUTINE DoFault;
OPERATION_CHECK FaultCheck;
