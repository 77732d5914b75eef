/*
 * undo.h - what a case changes in the guest outside of its own folder, and what is undone when it is over:
 * newest first, at the case's end, or by whoever comes next where the agent was killed, or the guest went
 * down.
 */
#pragma once

#include <windows.h>

/*
 * Makes room for a file at Path (as PathOpen gives it), with the folders that it needs, and notes that both
 * go again. ERROR_FILE_EXISTS where one is there; with Replace that one is kept, and comes back.
 */
_Must_inspect_result_ DWORD UndoMakeRoom(const wchar_t *Journal, const wchar_t *Path, BOOL Replace);

/* Makes the folders that a file at Path needs; those that were not there go again, once nothing is in them.
 */
_Must_inspect_result_ DWORD UndoMakeFolders(const wchar_t *Journal, const wchar_t *Path);

/* Notes what a value is before it is written or deleted, and the key where it is to be made. */
_Must_inspect_result_ DWORD UndoNoteValue(const wchar_t *Journal, DWORD Root, const wchar_t *Key,
                                          const wchar_t *Name);

/* The key by its number: 0 HKEY_LOCAL_MACHINE, 1 HKEY_USERS. */
HKEY UndoRoot(DWORD Root);

/* What is noted so far, as a number; 0 is nothing. */
DWORD UndoMark(void);

/* Undoes what was noted since then. What can't be undone now, such as a file that is open, stays noted, and
 * is counted once. */
UINT32 UndoSince(DWORD Mark);

/* Undoes all, and counts likewise. */
UINT32 UndoAll(void);

/* Undoes what can be undone now; the rest is for a later call. */
void UndoSome(void);

/* The same for what a run has left that is not there any more. */
void UndoLeft(void);
