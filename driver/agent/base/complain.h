/* complain.h - one-line complaints on standard error: what was attempted, on what, why not, what next. */
#pragma once

#include "text.h"

/*
 * Writes "wskagent: <attempt> <subject>: error <code>: <the system's text>; <advice>" and returns
 * EXIT_FAILED, so that a command can end with it. Subject may be NULL.
 */
int Complain(const char *Attempt, const wchar_t *Subject, DWORD Win32);

/* The same for a reason that has no Win32 code. */
int ComplainText(const char *Attempt, const wchar_t *Subject, const char *Reason);

/* "error <code>: <the system's text>; <advice>" added to Text: what Complain says after the colon. */
void TextAddError(TEXT *Text, DWORD Win32);

/* Exit codes of every command, see docs/protocol.md. */
#define EXIT_DONE    0
#define EXIT_FAILED  1
#define EXIT_USAGE   2
#define EXIT_GONE    3
#define EXIT_NOT_YET 4 /* what an order is about is not there yet: it is worth giving again */
#define EXIT_STALE   5 /* the guest is another's: lease.h */
