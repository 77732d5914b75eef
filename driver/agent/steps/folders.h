/* folders.h - the folders that a case has in the guest, beside the journal of its run. */
#pragma once

#include "wskplan.h"

typedef struct FOLDERS {
    wchar_t *Work; /* what its relative paths count from, as PathOpen gives it; gone when the case is over */
    wchar_t
        *Suite; /* where files are that Work does not have: what the suite's set-up has made; NULL: nowhere */
    wchar_t *Files; /* what the controller fetches */
} FOLDERS;

/* The folders of case N of the run whose journal this is. All are to be freed; none is made. */
_Must_inspect_result_ DWORD FoldersOf(const wchar_t *JournalPath, const WSKP_CASE *Case, UINT32 N,
                                      FOLDERS *Folders);
void FoldersFree(FOLDERS *Folders);

/* Removes the case's work; that of a suite's set-up when the suite is over, with its tear-down. */
void FoldersEmpty(const wchar_t *JournalPath, const WSKP_CASE *Case, UINT32 N);
