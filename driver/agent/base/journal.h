/*
 * journal.h - the journal of a run: docs/protocol.md.
 *
 * While a run lives it holds its journal open and lets nobody else open it for writing. That is how
 * others find out that it lives: a lock of the system's, gone with the process however it ends.
 */
#pragma once

#include "text.h"

#define JOURNAL_LINE_BYTES 2048u

typedef struct JOURNAL {
    HANDLE File;
    UINT64 Sequence;
    LARGE_INTEGER Start;
    LARGE_INTEGER Frequency;
    UINT64 BaseMs;  /* of the boots before this one, what JournalMs begins with */
    DWORD Error;    /* of the first event that could not be written; nothing is written after it */
    HANDLE Reserve; /* a file that keeps room for the last words */
    TEXT Line;
    char Buffer[JOURNAL_LINE_BYTES];
} JOURNAL;

/* Creates a journal that is not there yet, with its folders. Returns a Win32 code. */
_Must_inspect_result_ DWORD JournalCreate(JOURNAL *Journal, const wchar_t *Path);

/*
 * Goes on with a journal of the boot before, which ended with record Sequence at Bytes, at Ms: one that is
 * longer or shorter gives ERROR_INVALID_DATA.
 */
_Must_inspect_result_ DWORD JournalContinue(JOURNAL *Journal, const wchar_t *Path, UINT64 Sequence,
                                            UINT64 Bytes, UINT64 Ms);
void JournalClose(JOURNAL *Journal);

/* How long it is by now. */
_Must_inspect_result_ DWORD JournalBytes(const JOURNAL *Journal, UINT64 *Bytes);

/* Begins an event; more is added with the Json routines; JournalWrite ends it, in one write. */
TEXT *JournalEvent(JOURNAL *Journal, const char *Event);
void JournalWrite(JOURNAL *Journal);

/*
 * After an event that could not be written for want of room: gives up the reserve, so that the last words
 * can be. Returns the error of that event, ERROR_SUCCESS where there was none.
 */
DWORD JournalRevive(JOURNAL *Journal);

UINT64 JournalMs(const JOURNAL *Journal); /* since JournalCreate, boots included; monotonic */

typedef enum JOURNAL_STATE {
    JOURNAL_RUNNING,   /* its run holds it */
    JOURNAL_ENDED,     /* it has a run-end */
    JOURNAL_REBOOTING, /* its run goes on when the guest is up again */
    JOURNAL_GONE,      /* none of these */
    JOURNAL_ABSENT,    /* nobody can open it */
} JOURNAL_STATE;

/* Does a run hold the journal at Path? */
BOOL JournalHeld(const wchar_t *Path);

/* What has become of the run of an open journal. The file pointer moves. */
DWORD JournalLook(const wchar_t *Path, HANDLE File, JOURNAL_STATE *State);

/* The same of one that is to be opened for it. */
DWORD JournalLookAt(const wchar_t *Path, JOURNAL_STATE *State);
