/* memory.c - memory from the process heap, and handles that are closed only once. */
#include "host.h"

void *Allocate(HOST *Host, SIZE_T Size)
{
    return HeapAlloc(Host->Heap, HEAP_ZERO_MEMORY, Size);
}

void Free(HOST *Host, void *Memory)
{
    if (Memory != NULL)
        HeapFree(Host->Heap, 0, Memory);
}

void Copy(void *To, const void *From, SIZE_T Length)
{
    CopyMemory(To, From, Length);
}

void CloseAndClear(HANDLE *Handle)
{
    if (*Handle != NULL)
        CloseHandle(*Handle);
    *Handle = NULL;
}
