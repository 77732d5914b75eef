/* tail.h - sends a journal to standard output. */
#pragma once

#include <windows.h>

/*
 * Sends the journal at Path (as PathOpen gives it) from offset From; with Follow, until its run-end has
 * been sent. Returns the exit code: EXIT_GONE when there is no run-end and nobody left to write it.
 */
int TailJournal(const wchar_t *Path, UINT64 From, BOOL Follow);
