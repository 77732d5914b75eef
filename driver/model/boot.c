/*
 * boot.c - what the model is like when the machine boots: nobody can call its control before the first
 * driver is there, so it is said in the registry.
 */
#include "model.h"

static volatile LONG Read;

/* WSK_TEST_READY_VALUE, or 0 where there is none. */
_IRQL_requires_max_(PASSIVE_LEVEL) static UINT32 ReadReadyAfter(VOID)
{
    UNICODE_STRING path = RTL_CONSTANT_STRING(WSK_TEST_KEY);
    UNICODE_STRING name = RTL_CONSTANT_STRING(WSK_TEST_READY_VALUE);
    union {
        KEY_VALUE_PARTIAL_INFORMATION Information;
        UINT8 Bytes[sizeof(KEY_VALUE_PARTIAL_INFORMATION) + sizeof(UINT32)];
    } value;
    OBJECT_ATTRIBUTES attributes;
    UINT32 ms = 0;
    ULONG bytes;
    HANDLE key;

    InitializeObjectAttributes(&attributes, &path, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
    if (!NT_SUCCESS(ZwOpenKey(&key, KEY_READ, &attributes))) {
        return 0;
    }
    if (NT_SUCCESS(ZwQueryValueKey(key, &name, KeyValuePartialInformation, &value, sizeof(value), &bytes)) &&
        value.Information.Type == REG_DWORD && value.Information.DataLength == sizeof(ms)) {
        RtlCopyMemory(&ms, value.Information.Data, sizeof(ms));
    }
    (VOID) ZwClose(key);
    return ms;
}

VOID BootOpen(VOID)
{
    WSK_TEST_SETTINGS settings = {0};

    if (InterlockedCompareExchange(&Read, 1, 0) != 0) {
        return;
    }
    settings.ReadyAfterMs = ReadReadyAfter();
    settings.SetReadiness = settings.ReadyAfterMs != 0;
    (VOID) WskTestControl(WSK_TEST_CONTROL_VERSION, FALSE, &settings, NULL);
}
