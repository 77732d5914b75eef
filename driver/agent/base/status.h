/* status.h - what Win32 said, as the NTSTATUS of a step. */
#pragma once

#include <windows.h>

#include "wskplan.h"

#define STATUS_SUCCESS_VALUE                0u
#define STATUS_PENDING_VALUE                0x103u
#define STATUS_IO_TIMEOUT_VALUE             0xC00000B5u
#define STATUS_TIMEOUT_VALUE                0x102u
#define STATUS_FILE_DELETED_VALUE           0xC0000123u
#define STATUS_INSUFFICIENT_RESOURCES_VALUE 0xC000009Au
#define STATUS_NOT_FOUND_VALUE              0xC0000225u
#define STATUS_INVALID_HANDLE_VALUE         0xC0000008u

static inline UINT32 StatusOfWin32(DWORD Win32)
{
    return Win32 == ERROR_SUCCESS ? STATUS_SUCCESS_VALUE : WSKP_STATUS_OF_WIN32(Win32 & 0xFFFFu);
}
