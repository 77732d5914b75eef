/*
 * text.h - text of bounded length: UTF-8 lines and one-line JSON, without the printf family.
 *
 *     char buffer[512];
 *     TEXT text;
 *     TextInit(&text, buffer, sizeof buffer);
 *     JsonBegin(&text);
 *     JsonU64(&text, "cpus", 4);
 *     JsonEnd(&text);              // {"cpus":4}
 */
#pragma once

#include <windows.h>

typedef struct TEXT {
    char *Data; /* belongs to the caller of TextInit; always NUL-terminated */
    size_t Size;
    size_t Length;
    BOOL Full; /* something did not fit and was left out whole */
} TEXT;

void TextInit(TEXT *Text, char *Buffer, size_t Size);
void TextAdd(TEXT *Text, const char *Utf8);
void TextAddU64(TEXT *Text, UINT64 Value);
void TextAddWide(TEXT *Text, const wchar_t *Utf16); /* control characters become spaces */

/*
 * JSON. A Key of NULL adds an element to the array that is open. Commas are placed by what the text
 * ends in. Utf8 values are written as they are but for escapes: they must be valid UTF-8.
 */
void JsonBegin(TEXT *Text);
void JsonEnd(TEXT *Text);
void JsonBeginArray(TEXT *Text, const char *Key);
void JsonEndArray(TEXT *Text);
void JsonU64(TEXT *Text, const char *Key, UINT64 Value); /* a string with 0x beyond 2^53 */
void JsonHex(TEXT *Text, const char *Key, UINT64 Value); /* a string with 0x */
void JsonBool(TEXT *Text, const char *Key, BOOL Value);
void JsonNull(TEXT *Text, const char *Key);
void JsonString(TEXT *Text, const char *Key, const char *Utf8);
void JsonWide(TEXT *Text, const char *Key, const wchar_t *Utf16); /* unpaired surrogates: U+FFFD */

/* Lower-case digits of Count bytes, and the NUL: Digits has room for 2 * Count + 1. */
void HexDigits(const UINT8 *Bytes, size_t Count, char *Digits);
