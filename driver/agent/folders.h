/* folders.h - the folders that a case has in the guest, beside the journal of its run. */
#pragma once

#include <windows.h>

typedef struct FOLDERS {
    wchar_t *Work;  /* what its relative paths count from, as PathOpen gives it; gone when the case is over */
    wchar_t *Files; /* what the controller fetches */
} FOLDERS;

/* The folders of case N of the run whose journal this is. Both are to be freed; neither is made. */
DWORD FoldersOf(const wchar_t *JournalPath, UINT32 N, FOLDERS *Folders);
void FoldersFree(FOLDERS *Folders);

/* Removes the case's work. */
void FoldersEmpty(const wchar_t *JournalPath, UINT32 N);

/* FOLDER and NAME with a backslash between, to be freed; NULL without memory. */
wchar_t *FolderJoin(const wchar_t *Folder, const wchar_t *Name);
