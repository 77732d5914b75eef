/*
 * entry.c - the smallest driver that has all that an image can have: code in two files, constants,
 * data, uninitialised data, imports from two modules, and addresses that are corrected at load.
 */
#include <ntddk.h>

#include "tiny.h"

static UCHAR Scratch[64];
static PVOID volatile Addresses[] = {Scratch, (PVOID)Answer};

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD Unload;

/* PASSIVE_LEVEL. Owns nothing. */
static VOID NTAPI Unload(PDRIVER_OBJECT Driver)
{
    UNREFERENCED_PARAMETER(Driver);
    DbgPrint("tiny: unloaded %p %s\n", Addresses[0], __FILE__);
}

/* PASSIVE_LEVEL. Owns nothing. */
NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING RegistryPath)
{
    UNREFERENCED_PARAMETER(RegistryPath);
    Driver->DriverUnload = Unload;
    Scratch[0] = (UCHAR)Answer(TINY_QUESTION);
    return STATUS_SUCCESS;
}
