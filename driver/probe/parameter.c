/*
 * parameter.c - the driver's service key.
 *
 * The key is opened for each value: a driver has no use for a handle that is open all its life.
 */
#include "parameter.h"

#define PATH_CHARS 256u /* a service's name has at most 64 here: driver/agent/machine/service.h */

/* Static, since Unload has to leave a value even where no memory is. The last is for DriverEntry alone. */
static WCHAR PathBuffer[PATH_CHARS];
static UNICODE_STRING Path;
static union {
    KEY_VALUE_PARTIAL_INFORMATION Information;
    UINT8
    Bytes[sizeof(KEY_VALUE_PARTIAL_INFORMATION) + sizeof(WSKT_BATCH) + WSKT_MAX_STEPS * sizeof(WSKT_STEP)];
} Value;

VOID ParametersInitialize(PCUNICODE_STRING RegistryPath)
{
    Path.Buffer = PathBuffer;
    Path.MaximumLength = sizeof(PathBuffer);
    if (RegistryPath->Length <= sizeof(PathBuffer)) {
        RtlCopyMemory(PathBuffer, RegistryPath->Buffer, RegistryPath->Length);
        Path.Length = RegistryPath->Length;
    }
}

/* NULL if it can't be opened: then there is nothing to read, and nowhere to report. */
static HANDLE OpenServiceKey(VOID)
{
    OBJECT_ATTRIBUTES attributes;
    HANDLE key;

    InitializeObjectAttributes(&attributes, &Path, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
    return NT_SUCCESS(ZwOpenKey(&key, KEY_READ | KEY_WRITE, &attributes)) ? key : NULL;
}

/* Reads into Value; the length of the data, or 0. */
static ULONG ReadValue(HANDLE Key, PCWSTR Name, ULONG Type)
{
    UNICODE_STRING name;
    ULONG bytes;

    RtlInitUnicodeString(&name, Name);
    if (!NT_SUCCESS(ZwQueryValueKey(Key, &name, KeyValuePartialInformation, &Value, sizeof(Value), &bytes)) ||
        Value.Information.Type != Type) {
        return 0;
    }
    return Value.Information.DataLength;
}

static VOID Remove(HANDLE Key, PCWSTR Name)
{
    UNICODE_STRING name;

    RtlInitUnicodeString(&name, Name);
    (VOID) ZwDeleteValueKey(Key, &name);
}

UINT32 ParameterNumber(PCWSTR Name)
{
    HANDLE key = OpenServiceKey();
    UINT32 number = 0;

    if (key == NULL) {
        return 0;
    }
    if (ReadValue(key, Name, REG_DWORD) == sizeof(number)) {
        RtlCopyMemory(&number, Value.Information.Data, sizeof(number));
    }
    (VOID) ZwClose(key);
    return number;
}

UINT32 ParameterTakeNumber(PCWSTR Name)
{
    UINT32 number = ParameterNumber(Name);

    ParameterRemove(Name);
    return number;
}

ULONG ParameterTakeBinary(PCWSTR Name, PVOID Buffer, ULONG Bytes)
{
    HANDLE key = OpenServiceKey();
    ULONG length;

    if (key == NULL) {
        return 0;
    }
    length = ReadValue(key, Name, REG_BINARY);
    if (length > Bytes) {
        length = 0;
    }
    RtlCopyMemory(Buffer, Value.Information.Data, length);
    Remove(key, Name);
    (VOID) ZwClose(key);
    return length;
}

VOID ParameterLeave(PCWSTR Name, ULONG Type, const VOID *Data, ULONG Bytes)
{
    HANDLE key = OpenServiceKey();
    UNICODE_STRING name;

    if (key == NULL) {
        return;
    }
    RtlInitUnicodeString(&name, Name);
    (VOID) ZwSetValueKey(key, &name, 0, Type, (PVOID)(ULONG_PTR)Data, Bytes);
    (VOID) ZwClose(key);
}

VOID ParameterRemove(PCWSTR Name)
{
    HANDLE key = OpenServiceKey();

    if (key != NULL) {
        Remove(key, Name);
        (VOID) ZwClose(key);
    }
}
