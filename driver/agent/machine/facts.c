/*
 * facts.c - what is known about the machine's kernel.
 *
 * Sources: "NtQuerySystemInformation" in the Win32 reference for class 103 and its option bits; classes
 * 51 and 145 and their layouts are undocumented but unchanged since Windows 7 and 8: an answer of an
 * unexpected length is taken for no answer. Wine answers some classes with constants that say nothing
 * about what it enforces, so nothing is asked there.
 */
#include "facts.h"

#include <winternl.h>
#include <stdlib.h>

#define CLASS_VERIFIER       51
#define CLASS_CODE_INTEGRITY 103
#define CLASS_SECURE_BOOT    145

#define CODE_INTEGRITY_TESTSIGN 0x002u
#define CODE_INTEGRITY_HVCI     0x400u

#define VERIFIER_BYTES (64u * 1024u)

typedef struct CODE_INTEGRITY {
    ULONG Length;
    ULONG Options;
} CODE_INTEGRITY;

typedef struct SECURE_BOOT {
    BOOLEAN Enabled;
    BOOLEAN Capable;
} SECURE_BOOT;

/* The head of an entry of class 51, one for each driver that is verified. */
typedef struct VERIFIER_ENTRY {
    ULONG NextOffset;
    ULONG Level;
} VERIFIER_ENTRY;

const char *WineVersion(void)
{
    typedef const char *CDECL WINE_GET_VERSION(void);
    HMODULE ntdll = GetModuleHandleW(L"ntdll.dll");
    WINE_GET_VERSION *version;

    if (ntdll == NULL)
        return NULL;
    version = (WINE_GET_VERSION *)(void (*)(void))GetProcAddress(ntdll, "wine_get_version");
    return version != NULL ? version() : NULL;
}

static FACT Known(UINT64 Value) { return (FACT){.Known = TRUE, .Value = Value}; }

static BOOL Query(int Class, void *Buffer, ULONG Size, ULONG *Length)
{
    *Length = 0;
    return NT_SUCCESS(NtQuerySystemInformation((SYSTEM_INFORMATION_CLASS)Class, Buffer, Size, Length));
}

static void CodeIntegrityFacts(KERNEL_FACTS *Facts)
{
    CODE_INTEGRITY integrity = {.Length = sizeof integrity};
    ULONG length;

    if (!Query(CLASS_CODE_INTEGRITY, &integrity, sizeof integrity, &length) || length != sizeof integrity)
        return;
    Facts->CodeIntegrity = Known(integrity.Options);
    Facts->TestSigning = Known((integrity.Options & CODE_INTEGRITY_TESTSIGN) != 0);
    Facts->Hvci = Known((integrity.Options & CODE_INTEGRITY_HVCI) != 0);
}

static FACT SecureBootFact(void)
{
    SECURE_BOOT boot = {0};
    ULONG length;
    DWORD enabled, size = sizeof enabled;

    if (Query(CLASS_SECURE_BOOT, &boot, sizeof boot, &length) && length == sizeof boot)
        return Known(boot.Enabled != FALSE);
    if (RegGetValueW(HKEY_LOCAL_MACHINE, L"SYSTEM\\CurrentControlSet\\Control\\SecureBoot\\State",
                     L"UEFISecureBootEnabled", RRF_RT_REG_DWORD, NULL, &enabled, &size) == ERROR_SUCCESS)
        return Known(enabled != 0);
    return (FACT){0};
}

static FACT VerifierFact(void)
{
    FACT fact = {0};
    ULONG length;
    VERIFIER_ENTRY *entries = calloc(1, VERIFIER_BYTES);

    if (entries != NULL && Query(CLASS_VERIFIER, entries, VERIFIER_BYTES, &length)) {
        if (length == 0)
            fact = Known(0);
        else if (length >= sizeof *entries)
            fact = Known(entries->Level);
    }
    free(entries);
    return fact;
}

void KernelFacts(KERNEL_FACTS *Facts)
{
    *Facts = (KERNEL_FACTS){0};
    if (WineVersion() != NULL)
        return;
    CodeIntegrityFacts(Facts);
    Facts->SecureBoot = SecureBootFact();
    Facts->Verifier = VerifierFact();
}
