/* words.c - lists of texts in a plan. */
#include "words.h"

#include <stdlib.h>

const char *WordsNext(WORDS *Words)
{
    const char *word = Words->At;

    if (word >= Words->End || word[0] == '\0')
        return NULL;
    Words->At += strlen(word) + 1; /* bounded: the last byte before End is a NUL */
    return word;
}

wchar_t *WideOf(const char *Text)
{
    int chars = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, Text, -1, NULL, 0);
    wchar_t *wide = chars > 0 ? calloc((size_t)chars, sizeof *wide) : NULL;

    if (wide != NULL && MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, Text, -1, wide, chars) == 0) {
        free(wide);
        wide = NULL;
    }
    return wide;
}

wchar_t *WordsNextWide(WORDS *Words)
{
    const char *word = WordsNext(Words);

    return word != NULL ? WideOf(word) : NULL;
}

BOOL WordsNextNumber(WORDS *Words, UINT64 Max, UINT64 *Number)
{
    const char *word = WordsNext(Words);

    *Number = 0;
    if (word == NULL)
        return FALSE;
    for (; *word != '\0'; word++) {
        unsigned digit = (unsigned)(*word - '0');

        if (digit > 9 || *Number > (Max - digit) / 10)
            return FALSE;
        *Number = *Number * 10 + digit;
    }
    return TRUE;
}
