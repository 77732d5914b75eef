/*
 * settings.h - how the service of an external driver is made: the list of texts that a plan has for
 * it.
 *
 *     start N             SERVICE_BOOT_START to SERVICE_DEMAND_START
 *     depend NAME         a service that is started before it
 *     value NAME TYPE COUNT TEXT…   a registry value below its key Parameters: REG_SZ, REG_MULTI_SZ,
 * REG_DWORD and REG_QWORD as decimal digits, REG_BINARY as hexadecimal ones inf PATH            of its .inf,
 * which is beside the .sys in the guest
 */
#pragma once

#include "words.h"

/* Does every entry mean something? */
BOOL SettingsValid(WORDS Settings);

/* Gives the service its start type and dependencies, and writes its parameters. */
DWORD SettingsApply(const wchar_t *Name, WORDS Settings);

/* The path of the .inf, NULL where there is none. To be freed. */
wchar_t *SettingsInf(WORDS Settings);

/* Bytes of hexadecimal digits; FALSE where they are none, or of more than BytesMax. */
BOOL HexBytes(const char *Digits, UINT8 *Bytes, DWORD BytesMax, DWORD *Count);
