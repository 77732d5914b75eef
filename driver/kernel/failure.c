/* failure.c - a failure of the driver's start that is made on purpose. */
#include "failure.h"

static volatile LONG Left; /* calls until the one that fails, itself included; 0: none will */
static volatile LONG Made;

VOID FailureArm(UINT32 Nth) { (VOID) InterlockedExchange(&Left, Nth <= MAXLONG ? (LONG)Nth : 0); }

NTSTATUS FailureHere(VOID)
{
    if (Left <= 0 || InterlockedDecrement(&Left) != 0) {
        return STATUS_SUCCESS;
    }
    (VOID) InterlockedExchange(&Made, 1);
    return STATUS_INSUFFICIENT_RESOURCES;
}

BOOLEAN FailureMade(VOID) { return Made != 0; }
