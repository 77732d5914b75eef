/* info.c - `info` and `version`: the facts of the machine and of this agent, as one JSON object. */
#include "bootid.h"
#include "commands.h"
#include "complain.h"
#include "digest.h"
#include "facts.h"
#include "faults.h"
#include "image.h"
#include "integrity.h"
#include "lease.h"
#include "undo.h"
#include "options.h"
#include "stream.h"
#include "traces.h"
#include "wskabi.h"

#include <wchar.h>

#define INFO_BYTES 61440u /* the controller takes 64 KiB; 64 dumps of usual names fit by far */

/* RtlGetVersion tells the truth where GetVersionEx tells what the manifest asks for. */
NTSYSAPI LONG NTAPI RtlGetVersion(OSVERSIONINFOW *Version);

static void ImageFacts(TEXT *Text)
{
    char digits[SHA256_DIGITS + 1];

    if (ImageDigest(digits) == ERROR_SUCCESS)
        JsonString(Text, "sha256", digits);
    else
        JsonNull(Text, "sha256");
}

static void BootFact(TEXT *Text)
{
    char id[BOOT_ID_CHARS + 1];
    DWORD error = BootId(id);

    if (error == ERROR_SUCCESS) {
        JsonString(Text, "bootId", id);
    } else {
        JsonNull(Text, "bootId");
        (void)Complain("read or make", L"the boot id", error);
    }
}

/* The name that Windows sells under; Windows 11 kept "Windows 10" in the registry. */
static void OsName(TEXT *Text, DWORD Build)
{
    wchar_t name[128];
    DWORD size = sizeof name;

    if (RegGetValueW(HKEY_LOCAL_MACHINE, L"SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion", L"ProductName",
                     RRF_RT_REG_SZ, NULL, name, &size) != ERROR_SUCCESS) {
        JsonNull(Text, "name");
        return;
    }
    if (Build >= 22000 && wcsncmp(name, L"Windows 10", 10) == 0)
        name[9] = L'1';
    JsonWide(Text, "name", name);
}

static const char *Architecture(void)
{
    SYSTEM_INFO info;

    GetNativeSystemInfo(&info);
    switch (info.wProcessorArchitecture) {
    case PROCESSOR_ARCHITECTURE_AMD64: return "x64";
    case PROCESSOR_ARCHITECTURE_ARM64: return "arm64";
    case PROCESSOR_ARCHITECTURE_INTEL: return "x86";
    default: return NULL;
    }
}

static void OsFacts(TEXT *Text)
{
    char buffer[48];
    TEXT version;
    OSVERSIONINFOW os = {.dwOSVersionInfoSize = sizeof os};
    const char *arch = Architecture();

    (void)RtlGetVersion(&os); /* documented always to succeed */
    TextInit(&version, buffer, sizeof buffer);
    TextAddU64(&version, os.dwMajorVersion);
    TextAdd(&version, ".");
    TextAddU64(&version, os.dwMinorVersion);
    TextAdd(&version, ".");
    TextAddU64(&version, os.dwBuildNumber);
    TextAdd(Text, ",\"os\":{");
    OsName(Text, os.dwBuildNumber);
    JsonString(Text, "version", version.Data);
    JsonU64(Text, "build", os.dwBuildNumber);
    if (arch != NULL)
        JsonString(Text, "arch", arch);
    else
        JsonNull(Text, "arch");
    JsonEnd(Text);
    JsonString(Text, "wine", WineVersion() != NULL ? WineVersion() : "");
}

static void HostFact(TEXT *Text)
{
    wchar_t host[256];
    DWORD size = ARRAYSIZE(host);

    if (GetComputerNameExW(ComputerNamePhysicalDnsHostname, host, &size))
        JsonWide(Text, "host", host);
    else
        JsonNull(Text, "host");
}

/* DOMAIN\user of the process's token. */
static BOOL UserName(wchar_t *User, DWORD Chars)
{
    union {
        TOKEN_USER User;
        UINT8 Bytes[sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE];
    } token;
    wchar_t name[257], domain[257];
    DWORD size, nameChars = ARRAYSIZE(name), domainChars = ARRAYSIZE(domain);
    SID_NAME_USE use;
    HANDLE handle;
    BOOL ok;

    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &handle))
        return FALSE;
    ok = GetTokenInformation(handle, TokenUser, &token, sizeof token, &size) &&
         LookupAccountSidW(NULL, token.User.User.Sid, name, &nameChars, domain, &domainChars, &use) &&
         nameChars + domainChars + 2 <= Chars;
    CloseHandle(handle);
    if (!ok)
        return FALSE;
    wcscpy(User, domain);
    wcscat(User, L"\\");
    wcscat(User, name);
    return TRUE;
}

static void UserFacts(TEXT *Text)
{
    UINT8 administrators[SECURITY_MAX_SID_SIZE];
    DWORD size = sizeof administrators;
    wchar_t user[520];
    BOOL member;

    if (UserName(user, ARRAYSIZE(user)))
        JsonWide(Text, "user", user);
    else
        JsonNull(Text, "user");
    if (CreateWellKnownSid(WinBuiltinAdministratorsSid, NULL, administrators, &size) &&
        CheckTokenMembership(NULL, administrators, &member))
        JsonBool(Text, "admin", member);
    else
        JsonNull(Text, "admin");
}

static void AddFlag(TEXT *Text, const char *Key, FACT Fact)
{
    if (Fact.Known)
        JsonBool(Text, Key, Fact.Value != 0);
    else
        JsonNull(Text, Key);
}

static void AddKernelFacts(TEXT *Text)
{
    KERNEL_FACTS facts;

    KernelFacts(&facts);
    AddFlag(Text, "testSigning", facts.TestSigning);
    if (facts.CodeIntegrity.Known)
        JsonU64(Text, "codeIntegrity", facts.CodeIntegrity.Value);
    else
        JsonNull(Text, "codeIntegrity");
    AddFlag(Text, "hvci", facts.Hvci);
    AddFlag(Text, "secureBoot", facts.SecureBoot);
    if (facts.Verifier.Known)
        JsonHex(Text, "verifier", facts.Verifier.Value);
    else
        JsonNull(Text, "verifier");
}

/* Programs write what is not Unicode in these: to a console, or to what stands for one, in the OEM page. */
static void CodePageFacts(TEXT *Text)
{
    JsonU64(Text, "acp", GetACP());
    JsonU64(Text, "oemcp", GetOEMCP());
}

static void SizeFacts(TEXT *Text)
{
    MEMORYSTATUSEX memory = {.dwLength = sizeof memory};
    ULARGE_INTEGER available;
    DWORD cpus = GetActiveProcessorCount(ALL_PROCESSOR_GROUPS);

    if (GlobalMemoryStatusEx(&memory))
        JsonU64(Text, "memoryBytes", memory.ullTotalPhys);
    else
        JsonNull(Text, "memoryBytes");
    if (cpus != 0)
        JsonU64(Text, "cpus", cpus);
    else
        JsonNull(Text, "cpus");
    if (GetDiskFreeSpaceExW(L"C:\\", &available, NULL, NULL))
        JsonU64(Text, "freeBytes", available.QuadPart);
    else
        JsonNull(Text, "freeBytes");
}

static void TimeFacts(TEXT *Text)
{
    JsonU64(Text, "uptimeMs", GetTickCount64());
    JsonU64(Text, "timeUnixMs", UnixTimeMs());
}

static void TraceFacts(TEXT *Text)
{
    DWORD error = TracesAdd(Text);

    if (error != ERROR_SUCCESS)
        (void)Complain("list", L"the crash dumps", error);
}

/* Asks for the lease. Returns the exit code for that, which has been told. */
static int LeaseFact(TEXT *Text, const wchar_t *Owner)
{
    LEASE_ANSWER answer;
    char buffer[1024];
    TEXT reason;
    DWORD error = LeaseTake(Owner, &answer);

    if (error != ERROR_SUCCESS)
        return Complain("take the guest for", Owner, error);
    TextAdd(Text, ",\"lease\":{");
    JsonBool(Text, "granted", answer.Granted);
    JsonU64(Text, "number", answer.Number);
    JsonWide(Text, "owner", answer.Owner);
    JsonBool(Text, "running", answer.Running);
    if (answer.Used)
        JsonU64(Text, "usedMs", answer.Ms);
    else
        JsonNull(Text, "usedMs");
    JsonEnd(Text);
    if (answer.Granted)
        return EXIT_DONE;
    TextInit(&reason, buffer, sizeof buffer);
    TextAddLease(&reason, &answer);
    (void)ComplainText("take the guest for", Owner, reason.Data);
    return EXIT_STALE;
}

static int PrintFacts(const TEXT *Text, const char *Attempt)
{
    DWORD error = Text->Full ? ERROR_BUFFER_OVERFLOW
                             : WriteFully(GetStdHandle(STD_OUTPUT_HANDLE), Text->Data, Text->Length);

    return error == ERROR_SUCCESS ? EXIT_DONE : Complain(Attempt, NULL, error);
}

int CommandInfo(int Argc, wchar_t **Argv)
{
    char buffer[INFO_BYTES];
    const wchar_t *owner = NULL;
    const OPTION options[] = {{.Name = L"--lease", .Value = &owner}};
    int code = EXIT_DONE, printed;
    TEXT text;

    if (!OptionsParse(Argc, Argv, options, ARRAYSIZE(options)))
        return EXIT_USAGE;
    FillTidy(); /* whoever connects begins with this command */
    ClockTidy();
    UndoLeft();
    TextInit(&text, buffer, sizeof buffer);
    JsonBegin(&text);
    JsonU64(&text, "agent", AGENT_VERSION);
    JsonU64(&text, "abi", WSKT_ABI);
    ImageFacts(&text);
    BootFact(&text);
    OsFacts(&text);
    HostFact(&text);
    UserFacts(&text);
    AddKernelFacts(&text);
    IntegrityFacts(&text);
    CodePageFacts(&text);
    SizeFacts(&text);
    TimeFacts(&text);
    TraceFacts(&text);
    if (owner != NULL)
        code = LeaseFact(&text, owner);
    JsonEnd(&text);
    TextAdd(&text, "\n");
    printed = PrintFacts(&text, "print the facts");
    return code != EXIT_DONE ? code : printed;
}

int CommandVersion(int Argc, wchar_t **Argv)
{
    char buffer[64];
    TEXT text;

    (void)Argv;
    if (Argc != 0)
        return EXIT_USAGE;
    TextInit(&text, buffer, sizeof buffer);
    TextAdd(&text, "wskagent ");
    TextAddU64(&text, AGENT_VERSION);
    TextAdd(&text, " (abi ");
    TextAddU64(&text, WSKT_ABI);
    TextAdd(&text, ")\n");
    return PrintFacts(&text, "print the version");
}
