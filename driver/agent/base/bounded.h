/* bounded.h - calls that may never return, with a limit. */
#pragma once

#include <windows.h>

typedef DWORD BOUNDED_ROUTINE(void *Context);

/*
 * Runs Routine on a copy of Context on a thread of its own and returns what it returned, or
 * ERROR_TIMEOUT after TimeoutMs. Then the thread is still out there, in a call that nobody can take
 * back; it keeps the copy and frees it should it ever return. Context must hold no pointers to what
 * its owner may free.
 */
_Must_inspect_result_ DWORD BoundedCall(BOUNDED_ROUTINE *Routine, const void *Context, size_t Bytes,
                                        DWORD TimeoutMs);
