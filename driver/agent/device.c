/* device.c - the driver's control device, behind a watchdog. */
#include "device.h"

#include <stdlib.h>

struct DEVICE {
    HANDLE File;
    HANDLE Thread;
    HANDLE Go;             /* a request is in place; auto-reset */
    HANDLE Back;           /* its answer is; auto-reset */
    volatile LONG Holders; /* the owner and the thread: the last one frees */
    volatile LONG Closing;
    BOOL Lost; /* a request is still out */
    DWORD Code;
    DWORD InBytes;
    DWORD OutBytes;
    DWORD Returned;
    DWORD Error;
    UINT64 In[DEVICE_BYTES / sizeof(UINT64) + 1]; /* aligned for what is in it */
    UINT64 Out[DEVICE_BYTES / sizeof(UINT64) + 1];
};

static void LetGo(DEVICE *Device)
{
    if (InterlockedDecrement(&Device->Holders) != 0)
        return;
    if (Device->File != INVALID_HANDLE_VALUE)
        CloseHandle(Device->File);
    if (Device->Go != NULL)
        CloseHandle(Device->Go);
    if (Device->Back != NULL)
        CloseHandle(Device->Back);
    free(Device);
}

static DWORD WINAPI DeviceThread(void *Parameter)
{
    DEVICE *device = Parameter;

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
    LetGo(device);
    return 0;
}

DWORD DeviceOpen(DEVICE **Device)
{
    DWORD error;
    DEVICE *device = calloc(1, sizeof *device);

    *Device = NULL;
    if (device == NULL)
        return ERROR_NOT_ENOUGH_MEMORY;
    device->Holders = 1;
    device->File =
        CreateFileW(WSKT_DEVICE_USER, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL,
                    OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
    if (device->File == INVALID_HANDLE_VALUE)
        goto Error;
    device->Go = CreateEventW(NULL, FALSE, FALSE, NULL);
    device->Back = CreateEventW(NULL, FALSE, FALSE, NULL);
    if (device->Go == NULL || device->Back == NULL)
        goto Error;
    device->Holders = 2;
    device->Thread = CreateThread(NULL, 0, DeviceThread, device, 0, NULL);
    if (device->Thread == NULL) {
        device->Holders = 1;
        goto Error;
    }
    *Device = device;
    return ERROR_SUCCESS;

Error:
    error = GetLastError();
    LetGo(device);
    return error;
}

void DeviceClose(DEVICE *Device)
{
    HANDLE thread;

    if (Device == NULL)
        return;
    thread = Device->Thread;
    InterlockedExchange(&Device->Closing, 1);
    SetEvent(Device->Go);
    /* A driver can't be unloaded while the handle is open. Unbounded: no request is out, or we don't wait. */
    if (!Device->Lost)
        WaitForSingleObject(thread, INFINITE);
    CloseHandle(thread);
    LetGo(Device);
}

DWORD DeviceCall(DEVICE *Device, DWORD Code, const void *In, DWORD InBytes, void *Out, DWORD OutBytes,
                 DWORD *Returned, DWORD TimeoutMs)
{
    *Returned = 0;
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
    switch (WaitForSingleObject(Device->Back, TimeoutMs)) {
    case WAIT_OBJECT_0:
        break;
    case WAIT_TIMEOUT:
        Device->Lost = TRUE;
        return ERROR_TIMEOUT;
    default:
        Device->Lost = TRUE;
        return GetLastError();
    }
    if (Device->Error != ERROR_SUCCESS)
        return Device->Error;
    *Returned = Device->Returned < OutBytes ? Device->Returned : OutBytes;
    memcpy(Out, Device->Out, *Returned);
    return ERROR_SUCCESS;
}
