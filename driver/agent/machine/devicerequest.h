/*
 * devicerequest.h - one request to a device: ioctl, read or write, on a handle that need not wait for it.
 *
 * Sources: "NtDeviceIoControlFile", "ZwReadFile", "ZwWriteFile", "CancelIoEx" and "CancelSynchronousIo" in
 * the reference. The native calls are used for their status, which no Win32 error stands for.
 */
#pragma once

#include <windows.h>
#include <winternl.h>

/* A device that is open. */
typedef struct DEVICE_FILE {
    HANDLE Handle;    /* NULL: it is not */
    BOOL Synchronous; /* its requests come one after the other, each on the thread that makes it */
} DEVICE_FILE;

typedef enum REQUEST_STATE { REQUEST_NONE, REQUEST_OUT, REQUEST_BACK } REQUEST_STATE;

/* A request, where it can be cancelled from another thread: it stays where it is while that may happen. */
typedef struct DEVICE_REQUEST {
    _Interlocked_ volatile LONG
        State; /* a REQUEST_STATE; File and Io are to be read only while it is REQUEST_OUT */
    DEVICE_FILE File;
    IO_STATUS_BLOCK Io;
} DEVICE_REQUEST;

typedef struct DEVICE_TRANSFER DEVICE_TRANSFER;

/* Hands a request to the driver. Event is set when it is back, unless its NTSTATUS says so already. */
typedef UINT32 REQUEST_SEND(DEVICE_REQUEST *Request, const DEVICE_TRANSFER *Transfer, HANDLE Event);

REQUEST_SEND RequestIoctl, RequestRead, RequestWrite;

struct DEVICE_TRANSFER {
    REQUEST_SEND *Send;
    UINT64 Where; /* a control code, or an offset */
    UINT8 *In;    /* NULL: none */
    DWORD InBytes;
    UINT8 *Out; /* NULL: none */
    DWORD OutBytes;
    DWORD CancelMs; /* it is cancelled when it has not come back by then; INFINITE: never */
    HANDLE Begun;   /* an event, set when the request is under way; NULL: nobody wants to know */
};

/*
 * Opens NAME, or the whole of \\.\NAME. Returns an NTSTATUS; File->Handle is to be closed after success, and
 * NULL after a failure.
 */
UINT32 DeviceFileOpen(const wchar_t *Name, BOOL Synchronous, DEVICE_FILE *File);

/*
 * Makes the request and waits for it without a limit: the buffers are the driver's until then, and the
 * thread may be given up with them. Returns its NTSTATUS, and in *Information what the driver says of it.
 */
UINT32 RequestMake(DEVICE_REQUEST *Request, const DEVICE_FILE *File, const DEVICE_TRANSFER *Transfer,
                   UINT64 *Information);

/* Cancels a request that another thread has made, or is about to. ERROR_NOT_FOUND: none is out. */
DWORD RequestCancel(DEVICE_REQUEST *Request, HANDLE Thread);
