/*
 * entry.c - DriverEntry and Unload: what is made when the driver starts, and undone in reverse.
 *
 * Who wants to learn WSK reads on from here: server.c, registration.c, listener.c, echo.c, connection.c,
 * socket.c, and passes over what is there for the tests of the harness: calls of Hook…, FailureHere, MISTAKE,
 * OMISSION.
 */
#include "hooks.h"
#include "server.h"

DRIVER_INITIALIZE DriverEntry;
static DRIVER_UNLOAD Unload;

/*
 * Ends everything but the device. What still runs in this image, or what still knows its addresses (a
 * registration, a capture), has to end before the image goes, however long that takes: code that is unmapped
 * under it would be worse than an unload that does not end.
 */
_IRQL_requires_max_(PASSIVE_LEVEL) static VOID Stop(VOID)
{
    (VOID) ServerDeactivate(); /* refused, and rightly so, where it is not active */
    HookStop();
    ServerEnd();
}

/* Waits for nothing: what takes time is left to the server's worker. */
NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING RegistryPath)
{
    BOOLEAN activate = FALSE;
    NTSTATUS status;

    Driver->DriverUnload = Unload;
    ServerInitialize();
    status = HookEntry(Driver, RegistryPath, &activate);
    if (NT_SUCCESS(status) && activate && !ServerActivate(&status)) {
        status = STATUS_INVALID_DEVICE_STATE; /* a step that ran before has done so */
    }
    status = HookEntryEnd(Driver, status);
    if (!NT_SUCCESS(status)) {
        OMISSION(ENTRY_KEEPS, Stop());
    }
    return status;
}

/* No handle is open any more. */
_IRQL_requires_max_(PASSIVE_LEVEL) static VOID NTAPI Unload(PDRIVER_OBJECT Driver)
{
    HookUnload(Driver);
    Stop();
}
