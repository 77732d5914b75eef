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

wchar_t *WordsNextWide(WORDS *Words)
{
    const char *word = WordsNext(Words);
    wchar_t *wide;
    int chars;

    if (word == NULL)
        return NULL;
    chars = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, word, -1, NULL, 0);
    wide = chars > 0 ? calloc((size_t)chars, sizeof *wide) : NULL;
    if (wide != NULL && MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, word, -1, wide, chars) == 0) {
        free(wide);
        wide = NULL;
    }
    return wide;
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
