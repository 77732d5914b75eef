/* devicerequest.c - opens a device, makes a request, cancels it. */
#include "devicerequest.h"
#include "path.h"
#include "status.h"

#include <stdlib.h>

/* Exported by ntdll; no header of Windows for programs has them. */
ULONG NTAPI RtlGetLastNtStatus(void);
NTSTATUS NTAPI NtReadFile(HANDLE File, HANDLE Event, PIO_APC_ROUTINE Apc, PVOID ApcContext,
                          PIO_STATUS_BLOCK Io, PVOID Buffer, ULONG Bytes, PLARGE_INTEGER Offset, PULONG Key);
NTSTATUS NTAPI NtWriteFile(HANDLE File, HANDLE Event, PIO_APC_ROUTINE Apc, PVOID ApcContext,
                           PIO_STATUS_BLOCK Io, PVOID Buffer, ULONG Bytes, PLARGE_INTEGER Offset, PULONG Key);

/* The status of the last system call, which GetLastError speaks of, or else that in its own words. */
static UINT32 LastStatus(void)
{
    DWORD win32 = GetLastError();
    ULONG status = RtlGetLastNtStatus();

    return (LONG)status < 0 ? status : StatusOfWin32(win32);
}

UINT32 DeviceFileOpen(const wchar_t *Name, BOOL Synchronous, DEVICE_FILE *File)
{
    wchar_t *prefixed = Name[0] != L'\\' ? PathJoin(L"\\\\.", Name) : NULL;
    UINT32 status = STATUS_INSUFFICIENT_RESOURCES_VALUE;

    *File = (DEVICE_FILE){.Synchronous = Synchronous};
    if (Name[0] == L'\\' || prefixed != NULL) {
        HANDLE handle = CreateFileW(prefixed != NULL ? prefixed : Name, GENERIC_READ | GENERIC_WRITE,
                                    FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING,
                                    Synchronous ? 0 : FILE_FLAG_OVERLAPPED, NULL);

        status = handle != INVALID_HANDLE_VALUE ? STATUS_SUCCESS_VALUE : LastStatus();
        if (handle != INVALID_HANDLE_VALUE)
            File->Handle = handle;
    }
    free(prefixed);
    return status;
}

UINT32 RequestIoctl(DEVICE_REQUEST *Request, const DEVICE_TRANSFER *Transfer, HANDLE Event)
{
    return (UINT32)NtDeviceIoControlFile(Request->File.Handle, Event, NULL, NULL, &Request->Io,
                                         (ULONG)Transfer->Where, Transfer->In, Transfer->InBytes,
                                         Transfer->Out, Transfer->OutBytes);
}

UINT32 RequestRead(DEVICE_REQUEST *Request, const DEVICE_TRANSFER *Transfer, HANDLE Event)
{
    LARGE_INTEGER offset = {.QuadPart = (LONGLONG)Transfer->Where};

    return (UINT32)NtReadFile(Request->File.Handle, Event, NULL, NULL, &Request->Io, Transfer->Out,
                              Transfer->OutBytes, &offset, NULL);
}

UINT32 RequestWrite(DEVICE_REQUEST *Request, const DEVICE_TRANSFER *Transfer, HANDLE Event)
{
    LARGE_INTEGER offset = {.QuadPart = (LONGLONG)Transfer->Where};

    return (UINT32)NtWriteFile(Request->File.Handle, Event, NULL, NULL, &Request->Io, Transfer->In,
                               Transfer->InBytes, &offset, NULL);
}

static void TellBegun(HANDLE Begun)
{
    if (Begun != NULL)
        SetEvent(Begun);
}

UINT32 RequestMake(DEVICE_REQUEST *Request, const DEVICE_FILE *File, const DEVICE_TRANSFER *Transfer,
                   UINT64 *Information)
{
    HANDLE event = CreateEventW(NULL, TRUE, FALSE, NULL);
    UINT32 status;

    *Information = 0;
    if (event == NULL)
        return StatusOfWin32(GetLastError());
    Request->File = *File;
    Request->Io = (IO_STATUS_BLOCK){0};
    InterlockedExchange(&Request->State, REQUEST_OUT);
    if (File->Synchronous) /* nothing tells when it has reached the driver: it is on its way */
        TellBegun(Transfer->Begun);
    status = Transfer->Send(Request, Transfer, event);
    TellBegun(Transfer->Begun);
    if (status == STATUS_PENDING_VALUE) {
        if (WaitForSingleObject(event, Transfer->CancelMs) == WAIT_TIMEOUT)
            (void)RequestCancel(Request, NULL);
        /* Unbounded: the buffers are the driver's. */
        WaitForSingleObject(event, INFINITE);
        status = (UINT32)Request->Io.Status;
    }
    InterlockedExchange(&Request->State, REQUEST_BACK);
    CloseHandle(event);
    if (status >> 30 != 3) /* of an error the status block says nothing */
        *Information = Request->Io.Information;
    return status;
}

DWORD RequestCancel(DEVICE_REQUEST *Request, HANDLE Thread)
{
    BOOL done;

    if (InterlockedCompareExchange(&Request->State, REQUEST_OUT, REQUEST_OUT) != REQUEST_OUT)
        return ERROR_NOT_FOUND;
    /* What has just come back is not found, even if its handle is closed by now and stands for another file.
     */
    if (Request->File.Synchronous)
        done = CancelSynchronousIo(Thread);
    else
        done = CancelIoEx(Request->File.Handle, (OVERLAPPED *)&Request->Io); /* begins with the same two */
    return done ? ERROR_SUCCESS : GetLastError();
}
