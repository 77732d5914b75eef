/* runorder.h - what a step that runs a program says in its texts (wskplan.h). */
#pragma once

#include "words.h"

#define RUN_TEXTS_MAX   1024u
#define RUN_INPUT_BYTES 65536u /* of standard input, where it is not a file's */

typedef struct RUN_ORDER {
    wchar_t *Program;
    wchar_t *Arguments; /* behind a blank */
    wchar_t *Report;    /* NULL: it writes none, or not into a file */
    wchar_t *InputFile; /* NULL: its standard input is none */
    const char *Input;  /* digits; NULL: likewise */
    WORDS Rest;         /* the pairs */
} RUN_ORDER;

/* FALSE where they are none that this agent knows, or without memory. To be freed, whatever is returned. */
BOOL RunOrderRead(WORDS Words, RUN_ORDER *Order);
void RunOrderFree(RUN_ORDER *Order);
