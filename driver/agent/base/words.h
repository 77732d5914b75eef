/*
 * words.h - a list of texts in a plan: UTF-8 strings one behind the other, each with its NUL, up to an empty
 * one.
 */
#pragma once

#include <windows.h>

typedef struct WORDS {
    const char *At;
    const char *End; /* of the plan's strings, whose last byte is a NUL */
} WORDS;

/* The next text, or NULL at the end of the list. */
const char *WordsNext(WORDS *Words);

/* A text as UTF-16; NULL without memory, or where it is not UTF-8. To be freed. */
_Must_inspect_result_ wchar_t *WideOf(const char *Text);

/* The next one as UTF-16; NULL at the end of the list or without memory. To be freed. */
_Must_inspect_result_ wchar_t *WordsNextWide(WORDS *Words);

/* The next text as a decimal number; FALSE where it is none of at most Max. */
_Must_inspect_result_ BOOL WordsNextNumber(WORDS *Words, UINT64 Max, UINT64 *Number);
