/* run.c - one run of a plan: start the driver, run the cases, stop the driver. */
#include "run.h"
#include "bootid.h"
#include "cases.h"
#include "commands.h"
#include "digest.h"
#include "driver.h"
#include "image.h"
#include "path.h"

/* A driver makes its device before DriverEntry returns, but its name may be a moment late. */
#define OPEN_MS      1000u
#define OPEN_POLL_MS 5u
#define HELLO_MS     5000u

/* What is known about the start of the driver. */
typedef struct START {
    const char *Why; /* NULL: it is up */
    DWORD Win32;
    DWORD Entry;
    char Sha256[SHA256_DIGITS + 1];
    WSKT_HELLO Hello;
} START;

static const char *EndName(CASES_END End)
{
    switch (End) {
    case CASES_CANCELLED:
        return "cancelled";
    case CASES_TAINTED:
        return "tainted";
    case CASES_DEVICE:
        return "device";
    case CASES_JOURNAL:
        return "journal";
    default:
        return "done";
    }
}

static void WriteRunStart(JOURNAL *Journal, const PLAN *Plan)
{
    char boot[BOOT_ID_CHARS + 1], agent[SHA256_DIGITS + 1];
    TEXT *line = JournalEvent(Journal, "run-start");

    JsonU64(line, "abi", WSKT_ABI);
    JsonString(line, "run", Plan->RunId);
    JsonString(line, "boot", BootId(boot) == ERROR_SUCCESS ? boot : "");
    JsonString(line, "agent", ImageDigest(agent) == ERROR_SUCCESS ? agent : "");
    JsonU64(line, "cases", Plan->Header->CaseCount);
    JsonU64(line, "unixMs", UnixTimeMs());
    JournalWrite(Journal);
}

/* Win32 is why the journal could not be written in between, or ERROR_SUCCESS. */
static void WriteRunEnd(JOURNAL *Journal, const char *Why, UINT32 Cases, DWORD Win32)
{
    TEXT *line = JournalEvent(Journal, "run-end");

    JsonString(line, "why", Why);
    JsonU64(line, "cases", Cases);
    if (Win32 != ERROR_SUCCESS)
        JsonU64(line, "win32", Win32);
    JournalWrite(Journal);
}

void WritePlanRefused(JOURNAL *Journal)
{
    WriteRunEnd(Journal, "plan", 0, ERROR_SUCCESS);
}

static BOOL Failed(START *Start, const char *Why, DWORD Win32)
{
    Start->Why = Why;
    Start->Win32 = Win32;
    return FALSE;
}

static BOOL VerifyFile(const PLAN *Plan, START *Start)
{
    UINT8 digest[SHA256_BYTES];
    DWORD error = Sha256OfFile(Plan->DriverPath, digest);

    if (error != ERROR_SUCCESS)
        return Failed(Start, "hash", error);
    HexDigits(digest, sizeof digest, Start->Sha256);
    if (memcmp(digest, Plan->Header->DriverSha256, sizeof digest) != 0)
        return Failed(Start, "hash", ERROR_CRC);
    return TRUE;
}

/* Whatever runs under the name already may be another file: it is stopped first. */
static BOOL StartDriver(const PLAN *Plan, START *Start)
{
    const wchar_t *name = Plan->ServiceName;
    DWORD error = DriverStop(name, Plan->Header->StopTimeoutMs);

    if (error == ERROR_SUCCESS)
        error = DriverInstall(name, PathPlain(Plan->DriverPath));
    if (error != ERROR_SUCCESS)
        return Failed(Start, "install", error);
    error = DriverStart(name, Plan->Header->StartTimeoutMs);
    if (error == ERROR_SUCCESS)
        return TRUE;
    Start->Entry = DriverEntryStatus(name);
    /* With a DriverEntry that does not return, the manager may not return from this either. */
    if (error != ERROR_TIMEOUT)
        (void)DriverRemove(name);
    return Failed(Start, "start", error);
}

static BOOL OpenDevice(DEVICE **Device, START *Start)
{
    UINT64 deadline = GetTickCount64() + OPEN_MS;
    DWORD error, returned;

    while ((error = DeviceOpen(Device, HELLO_MS)) == ERROR_FILE_NOT_FOUND && GetTickCount64() < deadline)
        Sleep(OPEN_POLL_MS);
    if (error != ERROR_SUCCESS)
        return Failed(Start, "open", error);
    error = DeviceCall(*Device, IOCTL_WSKT_HELLO, NULL, 0, &Start->Hello, sizeof Start->Hello, &returned,
                       HELLO_MS);
    if (error != ERROR_SUCCESS)
        return Failed(Start, "open", error);
    if (returned != sizeof Start->Hello || Start->Hello.Abi != WSKT_ABI)
        return Failed(Start, "abi", ERROR_REVISION_MISMATCH);
    return TRUE;
}

static void WriteDriverStart(JOURNAL *Journal, const START *Start)
{
    TEXT *line = JournalEvent(Journal, "driver-start");

    JsonU64(line, "ok", Start->Why == NULL);
    JsonU64(line, "win32", Start->Win32);
    JsonU64(line, "entry", Start->Entry);
    if (Start->Sha256[0] != '\0')
        JsonString(line, "sha256", Start->Sha256);
    if (Start->Why != NULL) {
        JsonString(line, "why", Start->Why);
    } else {
        JsonHex(line, "base", Start->Hello.ImageBase);
        JsonU64(line, "size", Start->Hello.ImageSize);
    }
    JournalWrite(Journal);
}

static DWORD StopDriver(const PLAN *Plan)
{
    DWORD error = DriverStop(Plan->ServiceName, Plan->Header->StopTimeoutMs);

    /* Somebody else may have removed it or hold it open; the next install deals with what is left. */
    if (error == ERROR_SUCCESS)
        (void)DriverRemove(Plan->ServiceName);
    return error;
}

/* FALSE: the driver is still there. */
static BOOL StopAndTell(JOURNAL *Journal, const PLAN *Plan)
{
    UINT64 begin = JournalMs(Journal);
    DWORD error = StopDriver(Plan);
    UINT64 took = JournalMs(Journal) - begin;
    TEXT *line = JournalEvent(Journal, "driver-stop");

    JsonU64(line, "ok", error == ERROR_SUCCESS);
    JsonU64(line, "win32", error);
    JsonU64(line, "ms2", took);
    JournalWrite(Journal);
    return error == ERROR_SUCCESS;
}

/* Brings the driver up, or says in the journal why not and leaves nothing running. */
static BOOL BringUp(JOURNAL *Journal, const PLAN *Plan, DEVICE **Device)
{
    START start = {0};
    BOOL started = FALSE, up = TRUE;

    *Device = NULL;
    if (Plan->DriverPath != NULL)
        up = started = VerifyFile(Plan, &start) && StartDriver(Plan, &start);
    up = up && OpenDevice(Device, &start);
    WriteDriverStart(Journal, &start);
    if (up && Journal->Error == ERROR_SUCCESS)
        return TRUE;
    DeviceClose(*Device);
    *Device = NULL;
    if (started)
        (void)StopAndTell(Journal, Plan);
    return FALSE;
}

static void RunLoadedPlan(const PLAN *Plan, JOURNAL *Journal, HANDLE Cancel)
{
    CASES cases = {.Plan = Plan, .Journal = Journal, .Cancel = Cancel};
    const char *why;
    DWORD unwritten;
    CASES_END end;

    WriteRunStart(Journal, Plan);
    if (Journal->Error != ERROR_SUCCESS)
        return;
    if (!BringUp(Journal, Plan, &cases.Device)) {
        WriteRunEnd(Journal, "driver-start", 0, JournalRevive(Journal));
        return;
    }
    end = CasesRun(&cases);
    DeviceClose(cases.Device);
    why = EndName(end);
    unwritten = JournalRevive(Journal);
    /* A tainted driver can't be unloaded safely, and one without a device is not there to be. */
    if (Plan->DriverPath != NULL && end != CASES_TAINTED && end != CASES_DEVICE &&
        !StopAndTell(Journal, Plan))
        why = "tainted";
    WriteRunEnd(Journal, why, cases.Ended, unwritten);
}

void RunPlan(const wchar_t *PlanPath, JOURNAL *Journal, HANDLE Cancel)
{
    char buffer[512];
    TEXT reason;
    PLAN plan;

    TextInit(&reason, buffer, sizeof buffer);
    /* The plan passed these checks before the service was started, but the file is read again here. */
    if (PlanLoad(&plan, PlanPath, &reason))
        RunLoadedPlan(&plan, Journal, Cancel);
    else
        WritePlanRefused(Journal);
    PlanFree(&plan);
}
