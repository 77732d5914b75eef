/* stream.h - whole reads and writes on files and on the pipes that WinRM gives a command. */
#pragma once

#include <windows.h>

/* Reads Count bytes unless the stream ends before; *Got says how many there were. Returns a Win32 code. */
_Must_inspect_result_ DWORD ReadFully(HANDLE Stream, void *Buffer, size_t Count, size_t *Got);

/* Writes all of it. Returns a Win32 code. */
_Must_inspect_result_ DWORD WriteFully(HANDLE Stream, const void *Buffer, size_t Count);

/*
 * Reads a whole file of at most Limit bytes. *Data is the caller's to free. Returns a Win32 code,
 * ERROR_FILE_TOO_LARGE beyond the limit.
 */
_Must_inspect_result_ DWORD ReadWholeFile(const wchar_t *Path, size_t Limit, UINT8 **Data, size_t *Size);
