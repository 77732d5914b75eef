/* hold.c - holds a disturbance for as long as it is wanted. */
#include "hold.h"

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

void HoldTidy(void)
{
    FillTidy();
    ClockTidy();
}
