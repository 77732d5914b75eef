/* oldreport.h - what is in the place of a program's report before the program runs. */
#pragma once

#include <windows.h>

/*
 * Takes it away: afterwards nothing is at Path (as PathOpen gives it). A link is removed, and not followed.
 * A folder stays, as ERROR_DIRECTORY, and so does a file that somebody holds open without sharing its
 * deletion, as ERROR_SHARING_VIOLATION.
 */
DWORD OldReportRemove(const wchar_t *Path);
