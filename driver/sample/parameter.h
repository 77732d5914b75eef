/*
 * parameter.h - the driver's service key: what it is given there, and what it leaves.
 */
#pragma once

#include "sample.h"

/* Remembers where the key is; in DriverEntry, before anything else here. PASSIVE_LEVEL. */
VOID ParametersInitialize(PCUNICODE_STRING RegistryPath);

/* A REG_DWORD, or 0 where there is none. PASSIVE_LEVEL. */
UINT32 ParameterNumber(PCWSTR Name);

/* The same for a start of its own: it is removed. PASSIVE_LEVEL. */
UINT32 ParameterTakeNumber(PCWSTR Name);

/*
 * A REG_BINARY, which is removed; the length of it, or 0 where there is none, or one of more than Bytes.
 * PASSIVE_LEVEL.
 */
ULONG ParameterTakeBinary(PCWSTR Name, PVOID Buffer, ULONG Bytes);

/* Leaves a value for who started the driver. What can't be left is not there: he will notice. PASSIVE_LEVEL.
 */
VOID ParameterLeave(PCWSTR Name, ULONG Type, const VOID *Data, ULONG Bytes);

VOID ParameterRemove(PCWSTR Name);
