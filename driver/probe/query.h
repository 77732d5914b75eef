/* query.h - asking the provider for its range of versions. */
#pragma once

#include "stepcall.h"

/* WSKT_OP_QUERY. */
OPERATION_ROUTINE QueryRun;
