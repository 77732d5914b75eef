/* dwell.c - a driver that stays where it is until it is let go. */
#include "dwell.h"
#include "clock.h"

#define DWELL_MS_MAX  600000u /* as long as the agent holds a disturbance at most */
#define DWELL_POLL_MS 20u

#define DWELL_ARM  L"\\??\\C:\\wskharness\\selftest.arm"
#define DWELL_HOLD L"\\??\\C:\\wskharness\\selftest.hold"

/* Opens a file as it is asked to, and closes it. FALSE where it can't be opened so. */
_IRQL_requires_max_(PASSIVE_LEVEL) static BOOLEAN
    TouchFile(PCWSTR Path, ACCESS_MASK Access, ULONG Disposition, ULONG Options)
{
    OBJECT_ATTRIBUTES attributes;
    IO_STATUS_BLOCK status;
    UNICODE_STRING name;
    HANDLE file;

    RtlInitUnicodeString(&name, Path);
    InitializeObjectAttributes(&attributes, &name, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
    if (!NT_SUCCESS(
            ZwCreateFile(&file, Access | SYNCHRONIZE, &attributes, &status, NULL, FILE_ATTRIBUTE_NORMAL,
                         FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, Disposition,
                         FILE_NON_DIRECTORY_FILE | FILE_SYNCHRONOUS_IO_NONALERT | Options, NULL, 0))) {
        return FALSE;
    }
    (VOID) ZwClose(file);
    return TRUE;
}

VOID Dwell(VOID)
{
    UINT64 deadline;

    if (!DWELLS) {
        return; /* and the compiler drops what follows */
    }
    if (!TouchFile(DWELL_ARM, DELETE, FILE_OPEN, FILE_DELETE_ON_CLOSE) ||
        !TouchFile(DWELL_HOLD, FILE_WRITE_DATA, FILE_OPEN_IF, 0)) {
        return;
    }
    deadline = DeadlineIn(DWELL_MS_MAX);
    while (DeadlineLeft(deadline) != 0 && TouchFile(DWELL_HOLD, FILE_READ_ATTRIBUTES, FILE_OPEN, 0)) {
        SleepMs(DWELL_POLL_MS);
    }
}
