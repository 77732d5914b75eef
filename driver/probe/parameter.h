/* parameter.h - the driver's service key: what it is given there, and what it leaves. */
#pragma once

#include "kernel.h"
#include "wskabi.h"

/* Remembers where the key is; in DriverEntry, before anything else here. */
_IRQL_requires_max_(PASSIVE_LEVEL) VOID ParametersInitialize(PCUNICODE_STRING RegistryPath);

/* A REG_DWORD, or 0 where there is none. */
_IRQL_requires_max_(PASSIVE_LEVEL) UINT32 ParameterNumber(PCWSTR Name);

/* The same for a start of its own: it is removed. */
_IRQL_requires_max_(PASSIVE_LEVEL) UINT32 ParameterTakeNumber(PCWSTR Name);

/* A REG_BINARY, which is removed; the length of it, or 0 where there is none, or one of more than Bytes. */
_IRQL_requires_max_(PASSIVE_LEVEL) ULONG ParameterTakeBinary(PCWSTR Name, PVOID Buffer, ULONG Bytes);

/* Leaves a value for who started the driver, who will notice where it could not be left. */
_IRQL_requires_max_(PASSIVE_LEVEL) VOID
    ParameterLeave(PCWSTR Name, ULONG Type, const VOID *Data, ULONG Bytes);

_IRQL_requires_max_(PASSIVE_LEVEL) VOID ParameterRemove(PCWSTR Name);
