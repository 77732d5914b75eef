/* options.c - the command lines of the agent's commands. */
#include "options.h"

#include <wchar.h>

static const OPTION *FindOption(const wchar_t *Argument, const OPTION *Options, size_t Count)
{
    for (size_t i = 0; i < Count; i++) {
        if (Options[i].Name != NULL && wcscmp(Argument, Options[i].Name) == 0)
            return &Options[i];
        if (Options[i].Name == NULL && Argument[0] != L'-' && *Options[i].Value == NULL)
            return &Options[i];
    }
    return NULL;
}

BOOL OptionsParse(int Argc, wchar_t **Argv, const OPTION *Options, size_t Count)
{
    for (int i = 0; i < Argc; i++) {
        const OPTION *option = FindOption(Argv[i], Options, Count);

        if (option == NULL)
            return FALSE;
        if (option->Given != NULL) {
            *option->Given = TRUE;
            continue;
        }
        if (option->Name != NULL && ++i == Argc)
            return FALSE;
        if (*option->Value != NULL)
            return FALSE;
        *option->Value = Argv[i];
    }
    return TRUE;
}

BOOL ParseU64(const wchar_t *Text, UINT64 *Value)
{
    UINT64 value = 0;

    if (Text[0] == L'\0')
        return FALSE;
    for (; *Text != L'\0'; Text++) {
        unsigned digit = (unsigned)(*Text - L'0');

        if (digit > 9 || value > (MAXUINT64 - digit) / 10)
            return FALSE;
        value = value * 10 + digit;
    }
    *Value = value;
    return TRUE;
}

static int HexDigit(wchar_t Digit)
{
    if (Digit >= L'0' && Digit <= L'9')
        return Digit - L'0';
    if (Digit >= L'a' && Digit <= L'f')
        return Digit - L'a' + 10;
    return -1;
}

BOOL ParseSha256(const wchar_t *Text, UINT8 Digest[SHA256_BYTES])
{
    if (wcslen(Text) != SHA256_DIGITS)
        return FALSE;
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        int high = HexDigit(Text[2 * i]), low = HexDigit(Text[2 * i + 1]);

        if (high < 0 || low < 0)
            return FALSE;
        Digest[i] = (UINT8)(high << 4 | low);
    }
    return TRUE;
}
