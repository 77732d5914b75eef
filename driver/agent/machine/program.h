/* program.h - runs a program and keeps what it writes. */
#pragma once

#include <windows.h>

#define CAPTURE_LAST_BYTES 4096u /* where a program says why it fails */

/* Bytes that somebody else wrote: the beginning, and maybe the end, is kept; the rest is counted. */
typedef struct CAPTURE {
    UINT8 *Data; /* NULL: nothing is kept; to be freed */
    DWORD Kept;
    DWORD Room;
    UINT64 Total;
    BOOL Last; /* there are CAPTURE_LAST_BYTES behind the Room: of what is not kept, byte N is at N modulo
                  that */
} CAPTURE;

typedef struct PROGRAM {
    wchar_t *CommandLine; /* CreateProcess may write to it */
    const wchar_t *Folder;
    wchar_t *Environment; /* a block of UTF-16; NULL: this process's */
    HANDLE Input;         /* that can be inherited, and is closed here; NULL: nothing */
    UINT32 TimeoutMs;
    HANDLE Ends[2]; /* events, each of which ends it; NULL: none */
    HANDLE Begun;   /* an event that is set once it runs; NULL: none */
    DWORD ExitCode;
    BOOL TimedOut;  /* it was ended, since its time was up */
    BOOL Cancelled; /* it was ended, since one of Ends was set */
    CAPTURE Out, Err;
} PROGRAM;

/*
 * Starts the program, waits until it ends or its time is up, and ends whatever it has started with it.
 * Returns a Win32 error when it could not be run. Out and Err have Room bytes each, which are allocated here.
 */
DWORD ProgramRun(PROGRAM *Program);

/* Appends to what is kept. */
void CaptureAdd(CAPTURE *Capture, const void *Data, DWORD Bytes);

/* The last bytes of all, as far as they are kept and are not of the beginning. Last has
 * CAPTURE_LAST_BYTES. */
DWORD CaptureLast(const CAPTURE *Capture, UINT8 *Last);
