/* runorder.c - reads what a step that runs a program says in its texts. */
#include "runorder.h"
#include "settings.h"

#include <stdlib.h>

static BOOL TakeOnce(wchar_t **Text, WORDS *Words)
{
    if (*Text == NULL)
        *Text = WordsNextWide(Words);
    return *Text != NULL;
}

static BOOL TakeInput(RUN_ORDER *Order, WORDS *Words)
{
    UINT8 *bytes = malloc(RUN_INPUT_BYTES);
    DWORD count;
    BOOL taken;

    Order->Input = WordsNext(Words);
    taken = bytes != NULL && Order->Input != NULL && HexBytes(Order->Input, bytes, RUN_INPUT_BYTES, &count);
    free(bytes);
    return taken;
}

/* One pair: a word and what it is about. */
static BOOL TakePair(RUN_ORDER *Order, const char *Word, WORDS *Words)
{
    static const char *const others[] = {"look", "env", "unset"}; /* which are taken from Rest */
    UINT64 code;

    if (strcmp(Word, "report") == 0)
        return TakeOnce(&Order->Report, Words);
    if (strcmp(Word, "input-file") == 0)
        return TakeOnce(&Order->InputFile, Words);
    if (strcmp(Word, "input") == 0)
        return TakeInput(Order, Words);
    if (strcmp(Word, "exit") == 0)
        return WordsNextNumber(Words, MAXUINT32, &code);
    for (size_t i = 0; i < ARRAYSIZE(others); i++) {
        if (strcmp(Word, others[i]) == 0)
            return WordsNext(Words) != NULL;
    }
    return FALSE;
}

BOOL RunOrderRead(WORDS Words, RUN_ORDER *Order)
{
    const char *word;

    *Order = (RUN_ORDER){0};
    Order->Program = WordsNextWide(&Words);
    Order->Arguments = WordsNextWide(&Words);
    if (Order->Program == NULL || Order->Arguments == NULL || Order->Arguments[0] != L' ')
        return FALSE;
    Order->Rest = Words;
    while ((word = WordsNext(&Words)) != NULL) {
        if (!TakePair(Order, word, &Words))
            return FALSE;
    }
    return TRUE;
}

void RunOrderFree(RUN_ORDER *Order)
{
    free(Order->Program);
    free(Order->Arguments);
    free(Order->Report);
    free(Order->InputFile);
    *Order = (RUN_ORDER){0};
}
