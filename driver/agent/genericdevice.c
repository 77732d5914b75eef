/*
 * genericdevice.c - steps that talk to a device.
 *
 * Sources: "DeviceIoControl" in the Win32 reference. RtlGetLastNtStatus, which ntdll exports and no header
 * declares, has the status of the system call that GetLastError speaks of.
 */
#include "genericsteps.h"
#include "settings.h"
#include "status.h"

#include <stdlib.h>

ULONG NTAPI RtlGetLastNtStatus(void);

/* NAME, or the whole of \\.\NAME. */
static HANDLE OpenDeviceNamed(const wchar_t *Name)
{
    wchar_t *path, *prefixed = NULL;
    HANDLE file = INVALID_HANDLE_VALUE;

    if (Name != NULL && Name[0] != L'\\')
        prefixed = FolderJoin(L"\\\\.", Name);
    path = prefixed != NULL ? prefixed : (wchar_t *)Name;
    if (path != NULL)
        file = CreateFileW(path, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                           OPEN_EXISTING, 0, NULL);
    free(prefixed);
    return file;
}

/* The status of the last system call, and the Win32 error that was made of it. */
static UINT32 LastStatus(GENERIC *Generic, DWORD Win32)
{
    ULONG status = RtlGetLastNtStatus();

    Generic->Result->Value[WSKP_V_IOCTL_WIN32] = Win32;
    return (LONG)status < 0 ? status : StatusOfWin32(Win32);
}

static UINT32 Request(GENERIC *Generic, HANDLE Device, UINT8 *In, DWORD InBytes, UINT8 *Out, DWORD OutBytes)
{
    DWORD returned = 0;
    UINT32 status = STATUS_SUCCESS_VALUE;

    /* Nothing tells when the request has reached the driver: from here on it is on its way. */
    SetEvent(Generic->Begun);
    if (!DeviceIoControl(Device, (DWORD)Generic->Step->Arg[0], In, InBytes, Out, OutBytes, &returned, NULL))
        status = LastStatus(Generic, GetLastError());
    Generic->Result->Value[WSKP_V_IOCTL_BYTES] = returned;
    CaptureAdd(&Generic->Kept[OUTPUT_OUT], Out, returned < OutBytes ? returned : OutBytes);
    return status;
}

UINT32 DoIoctl(GENERIC *Generic)
{
    wchar_t *name = WordsNextWide(&Generic->Words);
    const char *digits = WordsNext(&Generic->Words);
    DWORD inBytes = 0, outBytes = (DWORD)Generic->Step->Arg[1];
    UINT8 *in = malloc(WSKP_GENERIC_BYTES), *out = calloc(1, WSKP_GENERIC_BYTES);
    CAPTURE *kept = &Generic->Kept[OUTPUT_OUT];
    UINT32 status = StatusOfWin32(ERROR_NOT_ENOUGH_MEMORY);
    HANDLE device;

    kept->Room = WSKP_GENERIC_BYTES;
    kept->Data = malloc(kept->Room);
    if (name != NULL && in != NULL && out != NULL && kept->Data != NULL &&
        (digits == NULL || HexBytes(digits, in, WSKP_GENERIC_BYTES, &inBytes))) {
        device = OpenDeviceNamed(name);
        if (device == INVALID_HANDLE_VALUE) {
            status = LastStatus(Generic, GetLastError());
        } else {
            status = Request(Generic, device, in, inBytes, out, outBytes);
            CloseHandle(device);
        }
    }
    free(name);
    free(in);
    free(out);
    return status;
}
