/* hold.c - holds an injected fault for as long as it is wanted. */
#include "faults.h"
#include "path.h"

#include <stdlib.h>

#define HOLD_SUFFIX  L".hold"
#define HOLD_POLL_MS 20u

static DWORD WINAPI ReadToEnd(void *Parameter)
{
    HANDLE in = GetStdHandle(STD_INPUT_HANDLE);
    char bytes[64];
    DWORD got;

    (void)Parameter;
    while (ReadFile(in, bytes, sizeof bytes, &got, NULL) && got != 0)
        ;
    return 0;
}

void HoldWhileWanted(DWORD Ms)
{
    HANDLE thread = CreateThread(NULL, 0, ReadToEnd, NULL, 0, NULL);

    if (thread == NULL)
        return;
    (void)WaitForSingleObject(thread, Ms);
    CloseHandle(thread); /* one that still reads ends with the process */
}

void HoldBetween(const wchar_t *Journal, HANDLE Cancel)
{
    wchar_t *path = PathWithSuffix(Journal, HOLD_SUFFIX);
    UINT64 deadline = GetTickCount64() + HOLD_MS_MAX;

    if (path == NULL)
        return;
    while (GetFileAttributesW(path) != INVALID_FILE_ATTRIBUTES && GetTickCount64() < deadline &&
           WaitForSingleObject(Cancel, HOLD_POLL_MS) == WAIT_TIMEOUT)
        ;
    free(path);
}
