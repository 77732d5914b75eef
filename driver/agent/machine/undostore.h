/*
 * undostore.h - what is to be undone in the guest when a case is over, kept where neither a killed agent nor
 * a crash forgets it: in the registry, a key for each.
 */
#pragma once

#include <windows.h>

typedef enum UNDO_KIND {
    UNDO_FILE = 1,   /* Path was made; what was there before is at Saved, where that is not empty */
    UNDO_FOLDER = 2, /* Path was made */
    UNDO_VALUE = 3,  /* Name of the key Path was written; Old is what it was, where Had */
    UNDO_KEY = 4,    /* Path was made, a key */
} UNDO_KIND;

#define UNDO_TEXT_CHARS 1100u

typedef struct UNDO_ENTRY {
    DWORD Kind;
    DWORD Root; /* of keys: 0 HKEY_LOCAL_MACHINE, 1 HKEY_USERS */
    wchar_t Path[UNDO_TEXT_CHARS];
    wchar_t Name[UNDO_TEXT_CHARS];
    wchar_t Saved[UNDO_TEXT_CHARS];
    DWORD Had;
    DWORD OldType;
    DWORD OldBytes;
    UINT8 *Old; /* NULL: nothing; to be freed */
} UNDO_ENTRY;

/* Keeps it, on the disk, before what it undoes is done; Journal is that of the run. *Number is its own. */
_Must_inspect_result_ DWORD UndoStoreAdd(const wchar_t *Journal, const UNDO_ENTRY *Entry, DWORD *Number);

/* Where what the next one replaces is to be kept: nothing is there. */
DWORD UndoStorePlace(wchar_t Place[UNDO_TEXT_CHARS]);

/* Reads a value of at most 1 MiB into Old, OldType and OldBytes; after an error Old is NULL. */
DWORD UndoReadValue(HKEY Key, const wchar_t *Name, UNDO_ENTRY *Entry);

/* The newest one below Number; FALSE where there is none. Entry->Old is to be freed. */
BOOL UndoStoreNewest(DWORD Below, DWORD *Number, UNDO_ENTRY *Entry);

/* The number of the newest one; 0 where there is none. */
DWORD UndoStoreLast(void);

void UndoStoreDrop(DWORD Number);

/* Notes that somebody was told of one that could not be undone; TRUE: nobody was before. */
BOOL UndoStoreTell(DWORD Number);

/* The journal of the run whose entries are there; empty: there are none. */
void UndoStoreJournal(wchar_t Journal[UNDO_TEXT_CHARS]);
