/* pattern.h - bytes as the texts of a plan have them: hexadecimal digits, some of which may be left open. */
#pragma once

#include <windows.h>

/* Are they digits, '?' among them where Open, in pairs, of at most BytesMax bytes? */
BOOL DigitsValid(const char *Digits, BOOL Open, size_t BytesMax);

/* Is Data what the digits say, byte for byte? '?' stands for any digit. */
BOOL PatternIs(const char *Digits, const UINT8 *Data, size_t Bytes);

/* Is that somewhere in it? */
BOOL PatternIn(const char *Digits, const UINT8 *Data, size_t Bytes);
