/*
 * device.h - the driver's control device, behind a watchdog.
 *
 * A driver that works on the caller's thread does not return from DeviceIoControl before it is done,
 * overlapped or not. So requests go out on a thread of their own, and it is that thread which is given
 * up when a request does not come back.
 */
#pragma once

#include "wskabi.h"

typedef struct DEVICE DEVICE;

#define DEVICE_BATCH_BYTES (FIELD_OFFSET(WSKT_BATCH, Step) + WSKT_MAX_STEPS * sizeof(WSKT_STEP))
#define DEVICE_REPLY_BYTES (FIELD_OFFSET(WSKT_BATCH_RESULT, Result) + WSKT_MAX_STEPS * sizeof(WSKT_RESULT))

/*
 * Opens the device. Returns a Win32 code, ERROR_TIMEOUT when the driver has not answered within
 * TimeoutMs. *Device is to be given to DeviceClose; it is NULL after an error.
 */
_Must_inspect_result_ DWORD DeviceOpen(DEVICE **Device, DWORD TimeoutMs);

/* Closes it; a device with a request still out is left to that request. NULL is allowed. */
void DeviceClose(DEVICE *Device);

/*
 * Sends one request, of whose answer no more than OutBytes are wanted. At most DEVICE_BATCH_BYTES out and
 * DEVICE_REPLY_BYTES back.
 */
_Must_inspect_result_ DWORD DeviceSend(DEVICE *Device, DWORD Code, const void *In, DWORD InBytes,
                                       DWORD OutBytes);

/*
 * Waits for the answer to what was sent, and copies it to Out, of which *Returned bytes were written.
 * ERROR_TIMEOUT: it did not come within TimeoutMs; then the device takes no other request. ERROR_CANCELLED:
 * Cancel, which may be NULL, was set before; it is still to be waited for.
 */
_Must_inspect_result_ DWORD DeviceAwait(DEVICE *Device, void *Out, DWORD *Returned, DWORD TimeoutMs,
                                        HANDLE Cancel);

/* Both, without Cancel. */
_Must_inspect_result_ DWORD DeviceCall(DEVICE *Device, DWORD Code, const void *In, DWORD InBytes, void *Out,
                                       DWORD OutBytes, DWORD *Returned, DWORD TimeoutMs);

/* What the sample's sub-component has come to, once it has settled: the result of a WSKT_OP_STATE. */
_Must_inspect_result_ DWORD DeviceState(DEVICE *Device, UINT32 SettleMs, UINT32 LimitMs, WSKT_RESULT *State);
