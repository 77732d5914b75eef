/*
 * entry.c - the entry point that a kernel image must have.
 */
#include "model.h"

DRIVER_INITIALIZE DriverEntry;

/*
 * There is nothing to do. Wine's loader takes an image that imports from ntdll.dll for one of user mode,
 * and calls this as its DllMain, where success is not 0; as an NTSTATUS, 1 is a success as well.
 */
NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(Driver);
    UNREFERENCED_PARAMETER(RegistryPath);
    return 1;
}
