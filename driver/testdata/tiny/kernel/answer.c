/* answer.c - the second file of the tiny driver. */
#include <ntddk.h>

#include "tiny.h"

/* Any IRQL. */
LONG NTAPI Answer(LONG Question)
{
    return Question + (LONG)KeQueryPerformanceCounter(NULL).LowPart;
}
