/* options.h - the command lines of the agent's commands. */
#pragma once

#include "digest.h"

typedef struct OPTION {
    const wchar_t *Name;   /* "--plan"; NULL for the next argument that is not an option */
    const wchar_t **Value; /* takes an argument … */
    BOOL *Given;           /* … or takes none */
} OPTION;

/*
 * Reads all of Argv, which begins behind the command's name. FALSE for an unknown or repeated option,
 * a missing value or an argument too many; what was not given is left as it was.
 */
BOOL OptionsParse(int Argc, wchar_t **Argv, const OPTION *Options, size_t Count);

/* A decimal number and nothing else. */
BOOL ParseU64(const wchar_t *Text, UINT64 *Value);

/* 64 hexadecimal digits, in lower case, and nothing else. */
BOOL ParseSha256(const wchar_t *Text, UINT8 Digest[SHA256_BYTES]);
