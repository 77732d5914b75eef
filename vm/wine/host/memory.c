/* memory.c - memory from the process heap, handles that are closed only once, and jobs. */
#include "host.h"

void *Allocate(HOST *Host, SIZE_T Size) { return HeapAlloc(Host->Heap, HEAP_ZERO_MEMORY, Size); }

void Free(HOST *Host, void *Memory)
{
    if (Memory != NULL)
        HeapFree(Host->Heap, 0, Memory);
}

void CloseAndClear(HANDLE *Handle)
{
    if (*Handle != NULL)
        CloseHandle(*Handle);
    *Handle = NULL;
}

HANDLE MakeJob(void)
{
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION Limits;
    HANDLE Job = CreateJobObjectW(NULL, NULL);
    if (Job == NULL)
        return NULL;
    ZeroMemory(&Limits, sizeof(Limits));
    Limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
    SetInformationJobObject(Job, JobObjectExtendedLimitInformation, &Limits, sizeof(Limits));
    return Job;
}
