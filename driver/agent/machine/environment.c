/*
 * environment.c - the environment of a program that a step runs.
 *
 * Source: "CreateProcess" and "Changing Environment Variables" in the Win32 reference: NAME=VALUE strings,
 * one behind the other, sorted by name without regard to case, up to an empty one. The names of the current
 * folders of drives begin with '='.
 */
#include "environment.h"

#include <stdlib.h>
#include <wchar.h>

typedef struct VARIABLES {
    wchar_t **Of; /* each to be freed */
    size_t Count, Room;
} VARIABLES;

static size_t NameChars(const wchar_t *Variable)
{
    size_t first = Variable[0] == L'=' ? 1 : 0;

    return first + wcscspn(Variable + first, L"=");
}

static int CompareNames(const wchar_t *A, const wchar_t *B)
{
    return CompareStringOrdinal(A, (int)NameChars(A), B, (int)NameChars(B), TRUE) - CSTR_EQUAL;
}

static int CompareVariables(const void *A, const void *B)
{
    return CompareNames(*(wchar_t *const *)A, *(wchar_t *const *)B);
}

static void UnsetVariable(VARIABLES *Variables, const wchar_t *Name)
{
    size_t kept = 0;

    for (size_t i = 0; i < Variables->Count; i++) {
        if (CompareNames(Variables->Of[i], Name) != 0)
            Variables->Of[kept++] = Variables->Of[i];
        else
            free(Variables->Of[i]);
    }
    Variables->Count = kept;
}

/* Takes the string, which is freed if there is no memory for it. */
static BOOL AppendVariable(VARIABLES *Variables, wchar_t *Variable)
{
    if (Variable == NULL)
        return FALSE;
    if (Variables->Count == Variables->Room) {
        size_t room = Variables->Room * 2 + 64;
        wchar_t **more = realloc(Variables->Of, room * sizeof *more);

        if (more == NULL) {
            free(Variable);
            return FALSE;
        }
        Variables->Of = more;
        Variables->Room = room;
    }
    Variables->Of[Variables->Count++] = Variable;
    return TRUE;
}

static BOOL TakeOwn(VARIABLES *Variables)
{
    wchar_t *own = GetEnvironmentStringsW();
    BOOL good = own != NULL;

    for (const wchar_t *at = own; good && at[0] != L'\0'; at += wcslen(at) + 1)
        good = AppendVariable(Variables, _wcsdup(at));
    if (own != NULL)
        FreeEnvironmentStringsW(own);
    return good;
}

static BOOL ChangeVariables(VARIABLES *Variables, WORDS Pairs)
{
    const char *word;

    while ((word = WordsNext(&Pairs)) != NULL) {
        BOOL sets = strcmp(word, "env") == 0, unsets = strcmp(word, "unset") == 0;
        wchar_t *text = WordsNextWide(&Pairs);

        if (text == NULL)
            return FALSE;
        if (sets || unsets)
            UnsetVariable(Variables, text);
        if (!sets)
            free(text);
        else if (!AppendVariable(Variables, text))
            return FALSE;
    }
    return TRUE;
}

static wchar_t *BlockOf(const VARIABLES *Variables)
{
    size_t chars = 2, at = 0; /* an empty block has two ends */
    wchar_t *block;

    for (size_t i = 0; i < Variables->Count; i++)
        chars += wcslen(Variables->Of[i]) + 1;
    block = calloc(chars, sizeof *block);
    for (size_t i = 0; block != NULL && i < Variables->Count; i++) {
        wcscpy(block + at, Variables->Of[i]);
        at += wcslen(Variables->Of[i]) + 1;
    }
    return block;
}

wchar_t *EnvironmentWith(WORDS Pairs)
{
    VARIABLES variables = {0};
    wchar_t *block = NULL;

    if (TakeOwn(&variables) && ChangeVariables(&variables, Pairs)) {
        if (variables.Count != 0)
            qsort(variables.Of, variables.Count, sizeof *variables.Of, CompareVariables);
        block = BlockOf(&variables);
    }
    for (size_t i = 0; i < variables.Count; i++)
        free(variables.Of[i]);
    free(variables.Of);
    return block;
}
