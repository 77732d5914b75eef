/* device.c - the driver's control device, behind a watchdog. */
#include "device.h"

#include <stdlib.h>

#define CLOSE_MS 5000u

struct DEVICE {
    HANDLE File;
    HANDLE Thread;
    HANDLE Go;                              /* a request is in place; auto-reset */
    HANDLE Back;                            /* its answer is; auto-reset */
    _Interlocked_ volatile LONG References; /* the owner and the thread: the last one frees */
    _Interlocked_ volatile LONG Closing;
    BOOL Lost; /* a request is still out */
    DWORD Code;
    DWORD InBytes;
    DWORD OutBytes;
    DWORD Returned;
    DWORD Error;
    UINT64 In[DEVICE_BATCH_BYTES / sizeof(UINT64) + 1]; /* aligned for what is in it */
    UINT64 Out[DEVICE_REPLY_BYTES / sizeof(UINT64) + 1];
};

static void ReleaseDevice(DEVICE *Device)
{
    if (InterlockedDecrement(&Device->References) != 0)
        return;
    if (Device->Go != NULL)
        CloseHandle(Device->Go);
    if (Device->Back != NULL)
        CloseHandle(Device->Back);
    free(Device);
}

static DWORD WINAPI DeviceThread(void *Parameter)
{
    DEVICE *device = Parameter;

    device->File =
        CreateFileW(WSKT_DEVICE_USER, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                    OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
    device->Error = device->File != INVALID_HANDLE_VALUE ? ERROR_SUCCESS : GetLastError();
    SetEvent(device->Back);
    for (;;) {
        /* Unbounded: the owner sets Go for every request and once more when it closes. */
        WaitForSingleObject(device->Go, INFINITE);
        if (device->Closing)
            break;
        device->Returned = 0;
        device->Error = DeviceIoControl(device->File, device->Code, device->In, device->InBytes, device->Out,
                                        device->OutBytes, &device->Returned, NULL)
                            ? ERROR_SUCCESS
                            : GetLastError();
        SetEvent(device->Back);
    }
    /* A driver can't be unloaded while the handle is open: closed here, so that the owner's wait covers it.
     */
    if (device->File != INVALID_HANDLE_VALUE)
        CloseHandle(device->File);
    ReleaseDevice(device);
    return 0;
}

/* Waits for the thread to come back from the driver and returns what it brought. */
static DWORD AwaitReply(DEVICE *Device, DWORD TimeoutMs, HANDLE Cancel)
{
    HANDLE either[] = {Device->Back, Cancel};
    DWORD error;

    switch (WaitForMultipleObjects(Cancel != NULL ? 2 : 1, either, FALSE, TimeoutMs)) {
    case WAIT_OBJECT_0: return Device->Error;
    case WAIT_OBJECT_0 + 1: return ERROR_CANCELLED;
    case WAIT_TIMEOUT: error = ERROR_TIMEOUT; break;
    default: error = GetLastError(); break;
    }
    Device->Lost = TRUE;
    return error;
}

DWORD DeviceOpen(DEVICE **Device, DWORD TimeoutMs)
{
    DWORD error;
    DEVICE *device = calloc(1, sizeof *device);

    *Device = NULL;
    if (device == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    device->References = 1;
    device->Go = CreateEventW(NULL, FALSE, FALSE, NULL);
    device->Back = CreateEventW(NULL, FALSE, FALSE, NULL);
    if (device->Go == NULL || device->Back == NULL)
        goto Error;
    device->References = 2;
    device->Thread = CreateThread(NULL, 0, DeviceThread, device, 0, NULL);
    if (device->Thread == NULL) {
        device->References = 1;
        goto Error;
    }
    error = AwaitReply(device, TimeoutMs, NULL);
    if (error == ERROR_SUCCESS)
        *Device = device;
    else
        DeviceClose(device);
    return error;

Error:
    error = GetLastError();
    ReleaseDevice(device);
    return error;
}

void DeviceClose(DEVICE *Device)
{
    if (Device == NULL)
        return;
    InterlockedExchange(&Device->Closing, 1);
    SetEvent(Device->Go);
    /* Bounded by a close that nothing is pending on; a thread that is lost is not waited for at all. */
    if (!Device->Lost)
        WaitForSingleObject(Device->Thread, CLOSE_MS);
    CloseHandle(Device->Thread);
    ReleaseDevice(Device);
}

DWORD DeviceSend(DEVICE *Device, DWORD Code, const void *In, DWORD InBytes, DWORD OutBytes)
{
    if (Device->Lost)
        return ERROR_BUSY;
    if (InBytes > sizeof Device->In || OutBytes > sizeof Device->Out)
        return ERROR_INVALID_PARAMETER;
    Device->Code = Code;
    Device->InBytes = InBytes;
    Device->OutBytes = OutBytes;
    if (InBytes != 0)
        memcpy(Device->In, In, InBytes);
    SetEvent(Device->Go);
    return ERROR_SUCCESS;
}

DWORD DeviceAwait(DEVICE *Device, void *Out, DWORD *Returned, DWORD TimeoutMs, HANDLE Cancel)
{
    DWORD error = AwaitReply(Device, TimeoutMs, Cancel);

    *Returned = 0;
    if (error != ERROR_SUCCESS)
        return error;
    *Returned = Device->Returned < Device->OutBytes ? Device->Returned : Device->OutBytes;
    if (*Returned != 0)
        memcpy(Out, Device->Out, *Returned);
    return ERROR_SUCCESS;
}

DWORD DeviceCall(DEVICE *Device, DWORD Code, const void *In, DWORD InBytes, void *Out, DWORD OutBytes,
                 DWORD *Returned, DWORD TimeoutMs)
{
    DWORD error = DeviceSend(Device, Code, In, InBytes, OutBytes);

    *Returned = 0;
    return error == ERROR_SUCCESS ? DeviceAwait(Device, Out, Returned, TimeoutMs, NULL) : error;
}

DWORD DeviceState(DEVICE *Device, UINT32 SettleMs, UINT32 LimitMs, WSKT_RESULT *State)
{
    UINT64 request[DEVICE_BATCH_BYTES / sizeof(UINT64) + 1] = {0};
    WSKT_BATCH *batch = (WSKT_BATCH *)request;
    WSKT_BATCH_RESULT answer;
    DWORD returned, error;

    batch->Abi = WSKT_ABI;
    batch->StepCount = batch->Repeat = batch->Parallel = 1;
    batch->TimeoutMs = LimitMs;
    batch->Step[0] = (WSKT_STEP){.Op = WSKT_OP_STATE, .TimeoutMs = LimitMs, .Arg = {SettleMs}};
    error =
        DeviceCall(Device, IOCTL_WSKT_RUN, batch, sizeof *batch, &answer, sizeof answer, &returned, LimitMs);
    if (error == ERROR_SUCCESS && returned != sizeof answer)
        error = ERROR_INVALID_DATA;
    if (error == ERROR_SUCCESS)
        *State = answer.Result[0];
    return error;
}
