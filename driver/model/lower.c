/*
 * lower.c - the provider whose sockets do the work: Wine's own netio.sys, which the harness puts
 * beside the model under another name.
 *
 * The model is registered with it once, as any client would be, and stays so: nothing in a Wine guest
 * ever unloads a driver that another one imports. It is looked up at run time, with the loader of the
 * process that is Wine's kernel, so that the model also loads where it is missing.
 */
#include "model.h"

/* From ntdll.dll; the driver kit does not declare them. */
NTSYSAPI NTSTATUS NTAPI LdrLoadDll(PCWSTR SearchPath, PULONG Flags, PUNICODE_STRING Name, PVOID *Module);
NTSYSAPI NTSTATUS NTAPI LdrGetProcedureAddress(PVOID Module, PANSI_STRING Name, ULONG Ordinal,
                                               PVOID *Procedure);

#define LOWER_PATH L"C:\\windows\\system32\\drivers\\wsklower.sys"

typedef NTSTATUS(WSKAPI *PFN_REGISTER)(PWSK_CLIENT_NPI Npi, PWSK_REGISTRATION Registration);
typedef NTSTATUS(WSKAPI *PFN_CAPTURE)(PWSK_REGISTRATION Registration, ULONG Wait, PWSK_PROVIDER_NPI Npi);

enum { LOWER_UNKNOWN, LOWER_OPENING, LOWER_SETTLED };

static volatile LONG LowerState = LOWER_UNKNOWN;
static WSK_PROVIDER_NPI LowerProvider; /* written before LOWER_SETTLED, read after it */
static WSK_CLIENT_DISPATCH LowerClient = {MAKE_WSK_VERSION(1, 0), 0, NULL};
static WSK_REGISTRATION LowerRegistration;

/* PASSIVE_LEVEL. */
static PVOID Find(PVOID Module, const char *Name)
{
    ANSI_STRING name;
    PVOID procedure = NULL;

    RtlInitAnsiString(&name, Name);
    return NT_SUCCESS(LdrGetProcedureAddress(Module, &name, 0, &procedure)) ? procedure : NULL;
}

/* PASSIVE_LEVEL. */
static VOID Open(VOID)
{
    UNICODE_STRING path = RTL_CONSTANT_STRING(LOWER_PATH);
    WSK_CLIENT_NPI npi = {NULL, &LowerClient};
    PVOID module = NULL;
    PFN_REGISTER reg;
    PFN_CAPTURE capture;

    if (!NT_SUCCESS(LdrLoadDll(NULL, NULL, &path, &module))) {
        return;
    }
    reg = (PFN_REGISTER)(ULONG_PTR)Find(module, "WskRegister");
    capture = (PFN_CAPTURE)(ULONG_PTR)Find(module, "WskCaptureProviderNPI");
    if (reg != NULL && capture != NULL && NT_SUCCESS(reg(&npi, &LowerRegistration))) {
        (VOID) capture(&LowerRegistration, WSK_NO_WAIT, &LowerProvider);
    }
}

VOID LowerOpen(VOID)
{
    LARGE_INTEGER tick;

    if (InterlockedCompareExchange(&LowerState, LOWER_OPENING, LOWER_UNKNOWN) == LOWER_UNKNOWN) {
        Open();
        (VOID) InterlockedExchange(&LowerState, LOWER_SETTLED);
    }
    tick.QuadPart = -10000; /* 1 ms */
    while (LowerState != LOWER_SETTLED) {
        /* Bounded by the time that it takes another thread to load a file. */
        (VOID) KeDelayExecutionThread(KernelMode, FALSE, &tick);
    }
}

const WSK_PROVIDER_NPI *LowerNpi(VOID)
{
    static const WSK_PROVIDER_NPI none = {NULL, NULL};

    return LowerState == LOWER_SETTLED ? &LowerProvider : &none;
}
