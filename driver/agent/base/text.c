/* text.c - text of bounded length. */
#include "text.h"

/* The largest integer up to which a reader that keeps numbers as doubles loses nothing. */
#define JSON_EXACT (1ull << 53)

void TextInit(TEXT *Text, char *Buffer, size_t Size)
{
    Text->Data = Buffer;
    Text->Size = Size;
    Text->Length = 0;
    Text->Full = FALSE;
    Buffer[0] = '\0';
}

static void AddBytes(TEXT *Text, const char *Bytes, size_t Count)
{
    if (Text->Full || Count >= Text->Size - Text->Length) {
        Text->Full = TRUE;
        return;
    }
    memcpy(Text->Data + Text->Length, Bytes, Count);
    Text->Length += Count;
    Text->Data[Text->Length] = '\0';
}

void TextAdd(TEXT *Text, const char *Utf8) { AddBytes(Text, Utf8, strlen(Utf8)); }

void TextAddU64(TEXT *Text, UINT64 Value)
{
    char digits[20];
    size_t first = sizeof digits;

    do {
        digits[--first] = (char)('0' + Value % 10);
        Value /= 10;
    } while (Value != 0);
    AddBytes(Text, digits + first, sizeof digits - first);
}

/* At least so many digits, without a prefix. */
static void TextAddHex(TEXT *Text, UINT64 Value, unsigned Digits)
{
    char digits[16];
    size_t first = sizeof digits;

    do {
        digits[--first] = "0123456789abcdef"[Value % 16];
        Value /= 16;
    } while (first != 0 && (Value != 0 || sizeof digits - first < Digits));
    AddBytes(Text, digits + first, sizeof digits - first);
}

/* Takes one code point off Utf16 and moves it on; not to be called at the NUL. */
static UINT32 NextCodePoint(const wchar_t **Utf16)
{
    UINT32 unit = *(*Utf16)++;

    if (unit < 0xD800 || unit > 0xDFFF)
        return unit;
    if (unit < 0xDC00 && **Utf16 >= 0xDC00 && **Utf16 <= 0xDFFF)
        return 0x10000 + ((unit - 0xD800) << 10) + ((UINT32) * (*Utf16)++ - 0xDC00);
    return 0xFFFD;
}

static void AddCodePoint(TEXT *Text, UINT32 Code)
{
    char bytes[4];
    size_t count;

    if (Code < 0x80) {
        bytes[0] = (char)Code;
        count = 1;
    } else if (Code < 0x800) {
        bytes[0] = (char)(0xC0 | Code >> 6);
        bytes[1] = (char)(0x80 | (Code & 0x3F));
        count = 2;
    } else if (Code < 0x10000) {
        bytes[0] = (char)(0xE0 | Code >> 12);
        bytes[1] = (char)(0x80 | (Code >> 6 & 0x3F));
        bytes[2] = (char)(0x80 | (Code & 0x3F));
        count = 3;
    } else {
        bytes[0] = (char)(0xF0 | Code >> 18);
        bytes[1] = (char)(0x80 | (Code >> 12 & 0x3F));
        bytes[2] = (char)(0x80 | (Code >> 6 & 0x3F));
        bytes[3] = (char)(0x80 | (Code & 0x3F));
        count = 4;
    }
    AddBytes(Text, bytes, count);
}

void TextAddWide(TEXT *Text, const wchar_t *Utf16)
{
    while (*Utf16 != L'\0') {
        UINT32 code = NextCodePoint(&Utf16);

        AddCodePoint(Text, code < 0x20 || code == 0x7F ? ' ' : code);
    }
}

static void AddEscaped(TEXT *Text, UINT32 Code)
{
    if (Code == '"' || Code == '\\') {
        TextAdd(Text, "\\");
        AddCodePoint(Text, Code);
    } else if (Code < 0x20 || Code == 0x7F) {
        TextAdd(Text, "\\u");
        TextAddHex(Text, Code, 4);
    } else {
        AddCodePoint(Text, Code);
    }
}

static void JsonKey(TEXT *Text, const char *Key)
{
    char last = Text->Length != 0 ? Text->Data[Text->Length - 1] : '{';

    if (last != '{' && last != '[')
        TextAdd(Text, ",");
    if (Key != NULL) {
        TextAdd(Text, "\"");
        TextAdd(Text, Key);
        TextAdd(Text, "\":");
    }
}

void JsonBegin(TEXT *Text) { TextAdd(Text, "{"); }

void JsonEnd(TEXT *Text) { TextAdd(Text, "}"); }

void JsonBeginArray(TEXT *Text, const char *Key)
{
    JsonKey(Text, Key);
    TextAdd(Text, "[");
}

void JsonEndArray(TEXT *Text) { TextAdd(Text, "]"); }

void JsonU64(TEXT *Text, const char *Key, UINT64 Value)
{
    if (Value > JSON_EXACT) {
        JsonHex(Text, Key, Value);
        return;
    }
    JsonKey(Text, Key);
    TextAddU64(Text, Value);
}

void JsonHex(TEXT *Text, const char *Key, UINT64 Value)
{
    JsonKey(Text, Key);
    TextAdd(Text, "\"0x");
    TextAddHex(Text, Value, 1);
    TextAdd(Text, "\"");
}

void JsonBool(TEXT *Text, const char *Key, BOOL Value)
{
    JsonKey(Text, Key);
    TextAdd(Text, Value ? "true" : "false");
}

void JsonNull(TEXT *Text, const char *Key)
{
    JsonKey(Text, Key);
    TextAdd(Text, "null");
}

void JsonString(TEXT *Text, const char *Key, const char *Utf8)
{
    JsonKey(Text, Key);
    TextAdd(Text, "\"");
    for (; *Utf8 != '\0'; Utf8++) {
        if ((UINT8)*Utf8 < 0x80)
            AddEscaped(Text, (UINT8)*Utf8);
        else
            AddBytes(Text, Utf8, 1);
    }
    TextAdd(Text, "\"");
}

void JsonWide(TEXT *Text, const char *Key, const wchar_t *Utf16)
{
    JsonKey(Text, Key);
    TextAdd(Text, "\"");
    while (*Utf16 != L'\0')
        AddEscaped(Text, NextCodePoint(&Utf16));
    TextAdd(Text, "\"");
}

void HexDigits(const UINT8 *Bytes, size_t Count, char *Digits)
{
    for (size_t i = 0; i < Count; i++) {
        Digits[2 * i] = "0123456789abcdef"[Bytes[i] >> 4];
        Digits[2 * i + 1] = "0123456789abcdef"[Bytes[i] & 15];
    }
    Digits[2 * Count] = '\0';
}
