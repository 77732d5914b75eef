/*
 * provider.c - control of a provider that can be controlled (driver/include/wskcontrol.h).
 *
 * It is found through the import of WskRegister: in the image that it leads to, a routine of the
 * control's own name is looked for among the exports. An import of that routine would keep this driver
 * from loading where the provider is another.
 */
#include "provider.h"
#include "wskcontrol.h"

static OPERATION_ROUTINE ProviderRun, ProviderStateRun;
static OPERATION_CHECK ProviderCheck;

/* The address in the import table: the function itself may be a stub of this image. */
extern VOID *__imp_WskRegister;

/* Declared by no header of the driver kit in every version. */
NTSYSAPI PVOID NTAPI RtlPcToFileHeader(PVOID Pc, PVOID *Base);
NTSYSAPI PVOID NTAPI RtlImageDirectoryEntryToData(PVOID Base, BOOLEAN Mapped, USHORT Directory, PULONG Size);

/* IMAGE_EXPORT_DIRECTORY of the PE format; all addresses count from the image's base. */
typedef struct EXPORTS {
    UINT32 Characteristics;
    UINT32 TimeDateStamp;
    UINT16 MajorVersion;
    UINT16 MinorVersion;
    UINT32 Name;
    UINT32 Base;
    UINT32 NumberOfFunctions;
    UINT32 NumberOfNames;
    UINT32 AddressOfFunctions;
    UINT32 AddressOfNames;
    UINT32 AddressOfNameOrdinals;
} EXPORTS;

#define DIRECTORY_OF_EXPORTS 0

static BOOLEAN SameName(const char *A, const char *B)
{
    while (*A != 0 && *A == *B) {
        A++;
        B++;
    }
    return *A == *B;
}

/* The image is loaded and was accepted by the kernel's loader, so its tables are as they should be. */
static WSK_TEST_CONTROL *FindControl(VOID)
{
    PVOID image = NULL;
    ULONG bytes = 0;
    const UINT8 *base;
    const EXPORTS *exports;
    const UINT32 *names;

    if (RtlPcToFileHeader(__imp_WskRegister, &image) == NULL) {
        return NULL;
    }
    exports = RtlImageDirectoryEntryToData(image, TRUE, DIRECTORY_OF_EXPORTS, &bytes);
    if (exports == NULL) {
        return NULL;
    }
    base = image;
    names = (const UINT32 *)(base + exports->AddressOfNames);
    for (UINT32 i = 0; i < exports->NumberOfNames; i++) {
        if (SameName((const char *)(base + names[i]), WSK_TEST_CONTROL_NAME)) {
            UINT16 ordinal = ((const UINT16 *)(base + exports->AddressOfNameOrdinals))[i];
            UINT32 address = ((const UINT32 *)(base + exports->AddressOfFunctions))[ordinal];

            return (WSK_TEST_CONTROL *)(ULONG_PTR)(base + address);
        }
    }
    return NULL;
}

/* Origin REFUSED where there is no control, or one of another version: WSK is not to blame. */
static VOID Control(BOOLEAN Reset, const WSK_TEST_SETTINGS *Settings, WSK_TEST_COUNTERS *Counters,
                    WSKT_RESULT *Result)
{
    WSK_TEST_CONTROL *control = FindControl();
    NTSTATUS status =
        control != NULL ? control(WSK_TEST_CONTROL_VERSION, Reset, Settings, Counters) : STATUS_NOT_SUPPORTED;

    Result->Status = (UINT32)status;
    if (!NT_SUCCESS(status)) {
        Refuse(Result, status);
    }
}

/* The provider is not as it is by default, … */
static volatile LONG ProviderChanged;
/* … and did not become so again behind the case that has changed it: with this status. */
static volatile LONG ProviderKept;

static NTSTATUS ProviderCheck(const STEP_CALL *Call)
{
    const UINT64 *arg = Call->Step.Arg;

    return Sound(arg[0] <= WSKT_PROVIDER_AFTER && arg[1] <= WSKT_MAX_WAIT_MS && arg[2] <= arg[3] &&
                 arg[3] <= 0xFFFF && arg[4] <= WSKT_PROVIDER_NOT_READY);
}

static VOID ProviderRun(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    const UINT64 *arg = Call->Step.Arg;
    WSK_TEST_SETTINGS settings = {0};

    settings.SetReadiness = arg[0] != WSKT_PROVIDER_LEAVE;
    settings.ReadyAfterMs = arg[0] == WSKT_PROVIDER_NOT_READY ? WSK_TEST_NEVER : 0;
    if (arg[0] == WSKT_PROVIDER_AFTER) {
        settings.ReadyAfterMs = (UINT32)arg[1];
    }
    settings.SetVersions = arg[2] != 0 || arg[3] != 0;
    settings.Lowest = (UINT16)arg[2];
    settings.Highest = (UINT16)arg[3];
    settings.SetSockets = arg[4] != WSKT_PROVIDER_LEAVE;
    settings.NoSockets = arg[4] == WSKT_PROVIDER_NOT_READY;
    Control(FALSE, &settings, NULL, Result);
    if (NT_SUCCESS((NTSTATUS)Result->Status)) {
        (VOID) InterlockedExchange(&ProviderChanged, 1);
    }
}

static VOID ProviderStateRun(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    WSK_TEST_COUNTERS counters;

    UNREFERENCED_PARAMETER(Call);
    RtlFillMemory(&counters, sizeof(counters), 0xFF); /* of what a provider does not fill in nothing is 0 */
    Control(FALSE, NULL, &counters, Result);
    Result->Value[WSKT_V_PROVIDER_REGISTRATIONS] = counters.Registrations;
    Result->Value[WSKT_V_PROVIDER_CAPTURES] = counters.Captures;
    Result->Value[WSKT_V_PROVIDER_WAITERS] = counters.Waiters;
    Result->Value[WSKT_V_PROVIDER_SOCKETS] = counters.Sockets;
    Result->Value[WSKT_V_PROVIDER_BUSY] = counters.Busy;
    Result->Value[WSKT_V_PROVIDER_MISMATCHED] = counters.Mismatched;
    Result->Value[WSKT_V_PROVIDER_REGISTER_CALLS] = counters.RegisterCalls;
    Result->Value[WSKT_V_PROVIDER_DEREGISTER_CALLS] = counters.DeregisterCalls;
    Result->Value[WSKT_V_PROVIDER_CAPTURE_CALLS] = counters.CaptureCalls;
    Result->Value[WSKT_V_PROVIDER_RELEASE_CALLS] = counters.ReleaseCalls;
}

VOID ProviderDefaults(VOID)
{
    WSKT_RESULT result = {0};

    Control(TRUE, NULL, NULL, &result);
    if (NT_SUCCESS((NTSTATUS)result.Status)) {
        (VOID) InterlockedExchange(&ProviderChanged, 0);
        (VOID) InterlockedExchange(&ProviderKept, STATUS_SUCCESS);
    } else if (ProviderChanged != 0) {
        (VOID) InterlockedExchange(&ProviderKept, (LONG)result.Status);
    }
}

NTSTATUS ProviderIsDefault(VOID) { return (NTSTATUS)ProviderKept; }

const OPERATION ProviderOperation = {ProviderRun, ProviderCheck, LEVEL_PASSIVE};
const OPERATION ProviderStateOperation = {ProviderStateRun, NULL, LEVEL_PASSIVE};
