/* acceptevent.h - the callback of listening sockets that have one. */
#pragma once

#include "stepcall.h"

/* For a listening socket whose context is its NAMED_SOCKET. */
extern const WSK_CLIENT_LISTEN_DISPATCH AcceptEventDispatch;
