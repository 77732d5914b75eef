/*
 * status.h - what is in flight and outstanding, for whoever asks while a case runs.
 */
#pragma once

#include "kernel.h"
#include "wskabi.h"

/* What is so now; the server's own is not counted. Takes no lock and waits for nothing. */
_IRQL_requires_max_(HIGH_LEVEL) VOID StatusTell(WSKT_STATUS *Out);

/* The part of a residue that can be counted so: all but sockets' IRPs. */
_IRQL_requires_max_(HIGH_LEVEL) VOID ResidueCount(WSKT_RESIDUE *Residue);
