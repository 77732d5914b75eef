/* start.c - the driver of a plan: from its file in the guest to its device. */
#include "start.h"
#include "driver.h"
#include "inf.h"
#include "loadagain.h"
#include "path.h"
#include "settings.h"
#include "status.h"

#include <stdlib.h>
#include <winternl.h>

/* A driver makes its device before DriverEntry returns, but its name may be a moment late. */
#define START_OPEN_MS  10000u
#define OPEN_POLL_MS   5u
#define START_HELLO_MS 5000u

static BOOL StartFailed(START *Start, const char *Why, DWORD Win32)
{
    Start->Why = Why;
    Start->Win32 = Win32;
    return FALSE;
}

BOOL StartVerify(const PLAN *Plan, START *Start) { return StartVerifyFile(Plan, Plan->DriverPath, Start); }

BOOL StartVerifyFile(const PLAN *Plan, const wchar_t *Path, START *Start)
{
    UINT8 digest[SHA256_BYTES];
    DWORD error = Sha256OfFile(Path, digest);

    if (error != ERROR_SUCCESS)
        return StartFailed(Start, "hash", error);
    HexDigits(digest, sizeof digest, Start->Sha256);
    if (memcmp(digest, Plan->Header->DriverSha256, sizeof digest) != 0)
        return StartFailed(Start, "hash", ERROR_CRC);
    return TRUE;
}

/*
 * Is what the kernel would load the deployed driver? It goes by the registry, which a case, or a program of
 * its, may have changed.
 */
static BOOL VerifyService(const PLAN *Plan, START *Start)
{
    wchar_t key[SERVICE_KEY_CHARS], image[MAX_PATH], path[MAX_PATH];
    wchar_t *opened = NULL;
    DWORD bytes = sizeof image, error;
    BOOL same;

    ServiceKey(Plan->ServiceName, key);
    error = (DWORD)RegGetValueW(HKEY_LOCAL_MACHINE, key, L"ImagePath", RRF_RT_REG_SZ, NULL, image, &bytes);
    if (error == ERROR_SUCCESS)
        opened = ImageFile(image, path) ? PathOpen(path, &error) : NULL;
    if (opened == NULL)
        return StartFailed(Start, "hash", error != ERROR_SUCCESS ? error : ERROR_INVALID_NAME);
    same = StartVerifyFile(Plan, opened, Start);
    free(opened);
    return same;
}

static DWORD SetNumber(const wchar_t *Service, const wchar_t *Name, DWORD Number)
{
    return Number != 0 ? DriverSetValue(Service, Name, REG_DWORD, &Number, sizeof Number)
                       : DriverForgetValue(Service, Name);
}

DWORD StartPrepare(const PLAN *Plan, const START_WITH *With)
{
    const START_WITH none = {0};
    const wchar_t *name = Plan->ServiceName;
    DWORD error;

    if (With == NULL)
        With = &none;
    error = SetNumber(name, WSKT_FAIL_AT_VALUE, With->FailAt);
    if (error == ERROR_SUCCESS)
        error = SetNumber(name, WSKT_ACTIVATE_VALUE, With->Activate ? 1 : 0);
    if (error == ERROR_SUCCESS)
        error = With->Steps != NULL
                    ? DriverSetValue(name, WSKT_START_STEPS_VALUE, REG_BINARY, With->Steps, With->StepsBytes)
                    : DriverForgetValue(name, WSKT_START_STEPS_VALUE);
    return error;
}

/* The service of an external driver: as its configuration and, where there can be one, its .inf say.
 */
static DWORD InstallExternal(const PLAN *Plan)
{
    const wchar_t *name = Plan->ServiceName;
    wchar_t *inf = SettingsInf(Plan->Settings);
    DWORD error = inf != NULL && InfCanInstall() ? InfInstall(inf, name, Plan->Header->DriverSha256)
                                                 : DriverInstall(name, PathPlain(Plan->DriverPath));

    free(inf);
    return error == ERROR_SUCCESS ? SettingsApply(name, Plan->Settings) : error;
}

void StartForget(const PLAN *Plan)
{
    wchar_t *inf = SettingsInf(Plan->Settings);

    if (inf != NULL && InfCanInstall())
        (void)InfRemove(inf);
    free(inf);
}

/* One that is never unloaded is not stopped to be followed by another either. */
static DWORD CheckNotRunning(const wchar_t *Name)
{
    SERVICE_REPORT report;
    DWORD error = DriverQuery(Name, &report);

    if (error != ERROR_SUCCESS || report.State == SERVICE_ABSENT || report.State == SERVICE_STOPPED)
        return error;
    return ERROR_SERVICE_ALREADY_RUNNING;
}

static BOOL InstallDriver(const PLAN *Plan, const START_WITH *With, START *Start)
{
    const wchar_t *name = Plan->ServiceName;
    DWORD error = Plan->NeverUnload ? CheckNotRunning(name) : DriverStop(name, Plan->Header->StopTimeoutMs);

    if (error == ERROR_SUCCESS)
        error = Plan->External ? InstallExternal(Plan) : DriverInstall(name, PathPlain(Plan->DriverPath));
    if (error == ERROR_SUCCESS)
        error = StartPrepare(Plan, With);
    return error == ERROR_SUCCESS || StartFailed(Start, "install", error);
}

/*
 * DriverEntry failed with a status that has no Win32 error of its own, and all such have the same one: it is
 * run once more, by somebody who passes on the status. That is the first one's only if the manager would have
 * said the same of it: the first may have left something behind that the second one stumbles over.
 */
static void AskEntry(const PLAN *Plan, DWORD TimeoutMs, START *Start)
{
    DWORD result = LoadAgain(Plan->ServiceName, TimeoutMs);

    if (result == ERROR_TIMEOUT)
        (void)StartFailed(Start, "hang", result);
    else if (result != ERROR_SUCCESS && !LOAD_FAILED(result))
        return; /* nobody was asked */
    Start->Asked = TRUE;
    Start->Again = result == ERROR_TIMEOUT ? STATUS_TIMEOUT_VALUE : result;
    if (LOAD_FAILED(result) && RtlNtStatusToDosError((NTSTATUS)result) == Start->Win32)
        Start->Entry = result;
}

static BOOL StartDriver(const PLAN *Plan, START *Start)
{
    UINT64 took, begin = GetTickCount64();
    DWORD most = Plan->Header->StartTimeoutMs;
    DWORD error = DriverStart(Plan->ServiceName, most);

    if (error == ERROR_SUCCESS)
        return TRUE;
    took = GetTickCount64() - begin;
    Start->Entry = DriverEntryStatus(Plan->ServiceName);
    (void)StartFailed(Start, error == ERROR_TIMEOUT ? "hang" : "start", error);
    /* Both starts together get the time of one, and the second not less than the first took. */
    if (error == ERROR_MR_MID_NOT_FOUND && Start->Entry == 0 && took < most / 2)
        AskEntry(Plan, most - (DWORD)took, Start);
    return FALSE;
}

void StartTellEntry(TEXT *Line, const START *Start)
{
    JsonU64(Line, "entry", Start->Entry);
    if (Start->Asked)
        JsonU64(Line, "again", Start->Again);
}

START_WITH StartWithOf(const WSKT_STEP *Step, const WSKT_BATCH *AtStart, DWORD AtStartBytes)
{
    START_WITH with = {
        .FailAt = (UINT32)Step->Arg[0],
        .Activate = (Step->Arg[1] & WSKP_START_ACTIVATE) != 0,
        .Steps = AtStart,
        .StepsBytes = AtStartBytes,
    };

    return with;
}

UINT32 StartStatus(const START *Start)
{
    if (Start->Why == NULL)
        return STATUS_SUCCESS_VALUE;
    return Start->Entry != 0 ? Start->Entry : StatusOfWin32(Start->Win32);
}

void StartTell(const START *Start, WSKT_RESULT *Result)
{
    Result->Status = StartStatus(Start);
    Result->Value[WSKP_V_LOAD_WIN32] = Start->Win32;
    Result->Value[WSKP_V_LOAD_INJECTED] = Start->Hello.Injected;
}

BOOL StartOpen(DEVICE **Device, START *Start)
{
    UINT64 deadline = GetTickCount64() + START_OPEN_MS;
    DWORD error, returned;

    while ((error = DeviceOpen(Device, START_HELLO_MS)) == ERROR_FILE_NOT_FOUND &&
           GetTickCount64() < deadline)
        Sleep(OPEN_POLL_MS);
    if (error != ERROR_SUCCESS)
        return StartFailed(Start, "open", error);
    error = DeviceCall(*Device, IOCTL_WSKT_HELLO, NULL, 0, &Start->Hello, sizeof Start->Hello, &returned,
                       START_HELLO_MS);
    if (error != ERROR_SUCCESS)
        (void)StartFailed(Start, "open", error);
    else if (returned != sizeof Start->Hello || Start->Hello.Abi != WSKT_ABI)
        (void)StartFailed(Start, "abi", ERROR_REVISION_MISMATCH);
    else
        return TRUE;
    DeviceClose(*Device);
    *Device = NULL;
    return FALSE;
}

BOOL StartUp(const PLAN *Plan, const START_WITH *With, DEVICE **Device, START *Start)
{
    *Device = NULL;
    return StartVerify(Plan, Start) && InstallDriver(Plan, With, Start) && StartDriver(Plan, Start) &&
           (Plan->External || StartOpen(Device, Start));
}

BOOL StartAgain(const PLAN *Plan, DEVICE **Device, START *Start)
{
    *Device = NULL;
    return VerifyService(Plan, Start) && StartDriver(Plan, Start) &&
           (Plan->External || StartOpen(Device, Start));
}
