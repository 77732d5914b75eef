/* bounded.c - calls that may never return, with a limit. */
#include "bounded.h"

#include <stdlib.h>

typedef struct BOUNDED {
    BOUNDED_ROUTINE *Routine;
    _Interlocked_ LONG References; /* the caller and the thread: the last one frees */
    DWORD Result;
    void *Context;
} BOUNDED;

static void ReleaseBounded(BOUNDED *Bounded)
{
    if (InterlockedDecrement(&Bounded->References) == 0) {
        free(Bounded->Context);
        free(Bounded);
    }
}

static DWORD WINAPI BoundedThread(void *Parameter)
{
    BOUNDED *bounded = Parameter;

    bounded->Result = bounded->Routine(bounded->Context);
    ReleaseBounded(bounded);
    return 0;
}

DWORD BoundedCall(BOUNDED_ROUTINE *Routine, const void *Context, size_t Bytes, DWORD TimeoutMs)
{
    DWORD error = ERROR_NOT_ENOUGH_MEMORY;
    HANDLE thread;
    BOUNDED *bounded = calloc(1, sizeof *bounded);

    if (bounded == NULL)
        return error;
    bounded->Routine = Routine;
    bounded->References = 2;
    bounded->Context = malloc(Bytes);
    if (bounded->Context == NULL) {
        free(bounded);
        return error;
    }
    memcpy(bounded->Context, Context, Bytes);
    thread = CreateThread(NULL, 0, BoundedThread, bounded, 0, NULL);
    if (thread == NULL) {
        error = GetLastError();
        bounded->References = 1; /* there is no thread */
    } else {
        switch (WaitForSingleObject(thread, TimeoutMs)) {
        case WAIT_OBJECT_0: error = bounded->Result; break;
        case WAIT_TIMEOUT: error = ERROR_TIMEOUT; break;
        default: error = GetLastError(); break;
        }
        CloseHandle(thread);
    }
    ReleaseBounded(bounded);
    return error;
}
