/* access.c - who may open the control device: the system and administrators. */
#include "access.h"
#include "pool.h"

#if defined(_MSC_VER)

#include <wdmsec.h>

NTSTATUS CreateDeviceForAdministrators(PDRIVER_OBJECT Driver, PUNICODE_STRING Name, PDEVICE_OBJECT *Device)
{
    return IoCreateDeviceSecure(Driver, 0, Name, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE,
                                &SDDL_DEVOBJ_SYS_ALL_ADM_ALL, NULL, Device);
}

BOOLEAN OpenAllowed(PIRP Irp)
{
    UNREFERENCED_PARAMETER(Irp); /* Windows has asked the access list already */
    return TRUE;
}

#else

/*
 * IoCreateDeviceSecure is in a library of the WDK, not in the kernel. What it does is done here by
 * hand: the device gets its access list while it still initializes, that is, before anybody can open it.
 */

/* From ntifs.h, which can't be included beside ntddk.h. */
NTKERNELAPI PEPROCESS NTAPI IoGetRequestorProcess(PIRP Irp);
NTKERNELAPI NTSTATUS NTAPI ObOpenObjectByPointer(PVOID Object, ULONG Attributes, PACCESS_STATE State,
                                                 ACCESS_MASK Access, POBJECT_TYPE Type, KPROCESSOR_MODE Mode,
                                                 PHANDLE Handle);
NTSYSAPI NTSTATUS NTAPI ZwSetSecurityObject(HANDLE Handle, SECURITY_INFORMATION Information,
                                            PSECURITY_DESCRIPTOR Descriptor);
NTSYSAPI NTSTATUS NTAPI ZwOpenProcessTokenEx(HANDLE Process, ACCESS_MASK Access, ULONG Attributes,
                                             PHANDLE Token);
NTSYSAPI NTSTATUS NTAPI ZwQueryInformationToken(HANDLE Token, ULONG Class, PVOID Buffer, ULONG Bytes,
                                                PULONG Returned);

#define DACL_INFORMATION 4u
#define NT_AUTHORITY     0, 0, 0, 0, 0, 5
#define LITTLE(Value)    (Value) & 0xFF, (Value) >> 8, 0, 0 /* of 32 bits */
#define FULL_ACCESS      0xFF, 0x01, 0x1F, 0x00             /* FILE_ALL_ACCESS */

static NTSTATUS SetAccessList(PDEVICE_OBJECT Device)
{
    /* A self-relative security descriptor: D:P(A;;FA;;;SY)(A;;FA;;;BA). */
    /* clang-format off */
    static UINT8 security[] = {
        1, 0, 0x04, 0x90, LITTLE(0), LITTLE(0), LITTLE(0), LITTLE(20), /* a protected list, which is at 20 */
        2, 0, 52, 0, 2, 0, 0, 0,                                       /* of 52 bytes, and two entries */
        0, 0, 20, 0, FULL_ACCESS, 1, 1, NT_AUTHORITY, LITTLE(18),
        0, 0, 24, 0, FULL_ACCESS, 1, 2, NT_AUTHORITY, LITTLE(32), LITTLE(544),
    };
    /* clang-format on */
    HANDLE handle;
    NTSTATUS status;

    status = ObOpenObjectByPointer(Device, OBJ_KERNEL_HANDLE, NULL, WRITE_DAC, NULL, KernelMode, &handle);
    if (NT_SUCCESS(status)) {
        status = ZwSetSecurityObject(handle, DACL_INFORMATION, security);
        (VOID) ZwClose(handle);
    }
    return status;
}

NTSTATUS CreateDeviceForAdministrators(PDRIVER_OBJECT Driver, PUNICODE_STRING Name, PDEVICE_OBJECT *Device)
{
    NTSTATUS status =
        IoCreateDevice(Driver, 0, Name, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN, FALSE, Device);

    if (NT_SUCCESS(status)) {
        status = SetAccessList(*Device);
        if (!NT_SUCCESS(status)) {
            IoDeleteDevice(*Device);
        }
    }
    return status;
}

/* TOKEN_GROUPS, and the SID of an alias such as S-1-5-32-544. */
typedef struct GROUP {
    const UINT8 *Sid;
    UINT32 Attributes;
} GROUP;

typedef struct GROUPS {
    UINT32 Count;
    GROUP Group[1];
} GROUPS;

#define TOKEN_GROUPS_CLASS 2u
#define TOKEN_QUERY_RIGHT  8u
#define PROCESS_QUERY      0x400u
#define GROUP_ENABLED      4u
#define GROUPS_BYTES       4096u

static BOOLEAN ListsAdministrators(const GROUPS *Groups)
{
    static const UINT8 administrators[] = {1, 2, NT_AUTHORITY, LITTLE(32), LITTLE(544)};

    for (UINT32 i = 0; i < Groups->Count; i++) {
        const GROUP *group = &Groups->Group[i];

        /* The number of sub-authorities gives the length, so it is compared before what follows it. */
        if ((group->Attributes & GROUP_ENABLED) != 0 && group->Sid[1] == administrators[1] &&
            RtlEqualMemory(group->Sid, administrators, sizeof(administrators))) {
            return TRUE;
        }
    }
    return FALSE;
}

static NTSTATUS OpenRequestorToken(PIRP Irp, PHANDLE Token)
{
    HANDLE process;
    NTSTATUS status = ObOpenObjectByPointer(IoGetRequestorProcess(Irp), OBJ_KERNEL_HANDLE, NULL,
                                            PROCESS_QUERY, NULL, KernelMode, &process);

    if (NT_SUCCESS(status)) {
        status = ZwOpenProcessTokenEx(process, TOKEN_QUERY_RIGHT, OBJ_KERNEL_HANDLE, Token);
        (VOID) ZwClose(process);
    }
    return status;
}

BOOLEAN OpenAllowed(PIRP Irp)
{
    GROUPS *groups = PoolAllocate(POOL_REQUEST, GROUPS_BYTES);
    BOOLEAN allowed = FALSE;
    HANDLE token;
    ULONG bytes;

    if (groups == NULL) {
        return FALSE;
    }
    if (NT_SUCCESS(OpenRequestorToken(Irp, &token))) {
        allowed =
            NT_SUCCESS(ZwQueryInformationToken(token, TOKEN_GROUPS_CLASS, groups, GROUPS_BYTES, &bytes)) &&
            ListsAdministrators(groups);
        (VOID) ZwClose(token);
    }
    PoolFree(POOL_REQUEST, groups);
    return allowed;
}

#endif
