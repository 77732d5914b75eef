/* pattern.c - compares bytes with hexadecimal digits, some of which may be left open. */
#include "pattern.h"

/* 16 for an open digit, 17 for what is none. */
static unsigned DigitValue(char Digit)
{
    if (Digit >= '0' && Digit <= '9')
        return (unsigned)(Digit - '0');
    if (Digit >= 'a' && Digit <= 'f')
        return (unsigned)(Digit - 'a') + 10;
    return Digit == '?' ? 16 : 17;
}

BOOL DigitsValid(const char *Digits, BOOL Open, size_t BytesMax)
{
    size_t digits = 0;

    for (; Digits[digits] != '\0'; digits++) {
        if (digits == 2 * BytesMax || DigitValue(Digits[digits]) > (Open ? 16u : 15u))
            return FALSE;
    }
    return digits % 2 == 0;
}

static BOOL DigitFits(char Digit, unsigned Nibble)
{
    unsigned value = DigitValue(Digit);

    return value == 16 || value == Nibble;
}

/* Do the bytes begin with it? Their number is at least that of the digits' pairs. */
static BOOL Begins(const char *Digits, size_t Pairs, const UINT8 *Data)
{
    for (size_t i = 0; i < Pairs; i++) {
        if (!DigitFits(Digits[2 * i], Data[i] >> 4) || !DigitFits(Digits[2 * i + 1], Data[i] & 15))
            return FALSE;
    }
    return TRUE;
}

BOOL PatternIs(const char *Digits, const UINT8 *Data, size_t Bytes)
{
    return strlen(Digits) / 2 == Bytes && Begins(Digits, Bytes, Data);
}

BOOL PatternIn(const char *Digits, const UINT8 *Data, size_t Bytes)
{
    size_t pairs = strlen(Digits) / 2;

    for (size_t at = 0; at + pairs <= Bytes; at++) {
        if (Begins(Digits, pairs, Data + at))
            return TRUE;
    }
    return FALSE;
}
