/* bootid.c - which boot of the machine this is. */
#include "bootid.h"
#include "security.h"

#include <ntsecapi.h>
#include <wchar.h>

#define BOOT_KEY   L"SOFTWARE\\wskharness\\Boot"
#define BOOT_VALUE L"Id"
#define BOOT_MUTEX L"Global\\wskharness-boot"

/* The other agent has a few registry calls to make. */
#define BOOT_MUTEX_MS 10000u

BOOL BootIdIs(const wchar_t *Text)
{
    for (unsigned i = 0; i < BOOT_ID_CHARS; i++) {
        BOOL hyphen = i == 8 || i == 13 || i == 18 || i == 23;

        if (hyphen ? Text[i] != L'-' : Text[i] == L'\0' || wcschr(L"0123456789abcdef", Text[i]) == NULL)
            return FALSE;
    }
    return TRUE;
}

static DWORD ReadBootId(char *Id)
{
    wchar_t value[BOOT_ID_CHARS + 1];
    DWORD size = sizeof value;
    DWORD error =
        (DWORD)RegGetValueW(HKEY_LOCAL_MACHINE, BOOT_KEY, BOOT_VALUE, RRF_RT_REG_SZ, NULL, value, &size);

    if (error != ERROR_SUCCESS)
        return error;
    if (size != sizeof value || value[BOOT_ID_CHARS] != L'\0' || !BootIdIs(value))
        return ERROR_INVALID_DATA;
    for (unsigned i = 0; i <= BOOT_ID_CHARS; i++)
        Id[i] = (char)value[i];
    return ERROR_SUCCESS;
}

/* A random GUID, version 4. */
static DWORD NewGuid(wchar_t Text[BOOT_ID_CHARS + 1])
{
    UINT8 bytes[16];
    unsigned next = 0;

    if (!RtlGenRandom(bytes, sizeof bytes))
        return ERROR_GEN_FAILURE;
    bytes[6] = (UINT8)(0x40 | (bytes[6] & 0x0F));
    bytes[8] = (UINT8)(0x80 | (bytes[8] & 0x3F));
    for (unsigned i = 0; i < sizeof bytes; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            Text[next++] = L'-';
        Text[next++] = L"0123456789abcdef"[bytes[i] >> 4];
        Text[next++] = L"0123456789abcdef"[bytes[i] & 15];
    }
    Text[next] = L'\0';
    return ERROR_SUCCESS;
}

static DWORD MakeBootId(void)
{
    wchar_t guid[BOOT_ID_CHARS + 1];
    DWORD error = NewGuid(guid);
    HKEY key;

    if (error != ERROR_SUCCESS)
        return error;
    error = (DWORD)RegCreateKeyExW(HKEY_LOCAL_MACHINE, BOOT_KEY, 0, NULL, REG_OPTION_VOLATILE, KEY_SET_VALUE,
                                   NULL, &key, NULL);
    if (error != ERROR_SUCCESS)
        return error;
    error = (DWORD)RegSetValueExW(key, BOOT_VALUE, 0, REG_SZ, (const BYTE *)guid, sizeof guid);
    RegCloseKey(key);
    return error;
}

DWORD BootId(char *Id)
{
    HANDLE mutex = NULL;
    ADMIN_ONLY security;
    DWORD error = ReadBootId(Id);

    if (error == ERROR_SUCCESS)
        return ERROR_SUCCESS;
    error = AdminOnlyInit(&security);
    if (error != ERROR_SUCCESS)
        return error;
    mutex = CreateMutexW(&security.Attributes, FALSE, BOOT_MUTEX);
    if (mutex == NULL) {
        error = GetLastError();
        goto Exit;
    }
    switch (WaitForSingleObject(mutex, BOOT_MUTEX_MS)) {
    case WAIT_OBJECT_0:
    case WAIT_ABANDONED: break; /* whoever it was may not have got to writing: look again, as always */
    case WAIT_TIMEOUT: error = ERROR_TIMEOUT; goto Exit;
    default: error = GetLastError(); goto Exit;
    }
    error = ReadBootId(Id);
    if (error != ERROR_SUCCESS) {
        error = MakeBootId();
        if (error == ERROR_SUCCESS)
            error = ReadBootId(Id);
    }
    ReleaseMutex(mutex);

Exit:
    if (mutex != NULL)
        CloseHandle(mutex);
    AdminOnlyFree(&security);
    return error;
}
