/* handles.c - the devices that a case has open. */
#include "handles.h"

#include <stdlib.h>

BOOL HandleFits(const STEP_KIND *Kind, const DEVICE_FILE *File)
{
    return ((Kind->Traits & STEP_OPENS) != 0) == (File->Handle == NULL);
}

static BOOL AnyOpen(const HANDLES *Handles)
{
    for (UINT32 i = 0; i < WSKP_MAX_HANDLES; i++) {
        if (Handles->File[i].Handle != NULL)
            return TRUE;
    }
    return FALSE;
}

/* Owns what it is given. */
static DWORD WINAPI CloseAll(void *Parameter)
{
    HANDLES *handles = Parameter;

    for (UINT32 i = 0; i < WSKP_MAX_HANDLES; i++) {
        if (handles->File[i].Handle != NULL)
            CloseHandle(handles->File[i].Handle);
    }
    free(handles);
    return 0;
}

BOOL HandlesClose(HANDLES *Handles, UINT32 Ms)
{
    HANDLES *all;
    HANDLE thread;
    BOOL back;

    if (!AnyOpen(Handles))
        return TRUE;
    all = malloc(sizeof *all);
    if (all == NULL)
        return FALSE;
    *all = *Handles;
    thread = CreateThread(NULL, 0, CloseAll, all, 0, NULL);
    if (thread == NULL) {
        free(all);
        return FALSE;
    }
    *Handles = (HANDLES){0};
    back = WaitForSingleObject(thread, Ms) == WAIT_OBJECT_0;
    CloseHandle(thread);
    return back;
}
