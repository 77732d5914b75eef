/* programinput.h - the standard input of a program that a step runs. */
#pragma once

#include "runorder.h"

/*
 * Opens it, for the program to inherit; a path that is not absolute counts from Folder. *Input is NULL where
 * the step gives none, and the caller's to close.
 */
DWORD ProgramInputOpen(const wchar_t *Folder, const RUN_ORDER *Order, HANDLE *Input);
