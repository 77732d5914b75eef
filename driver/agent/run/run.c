/* run.c - one run of a plan: start the driver, run the cases, stop the driver. */
#include "run.h"
#include "bootid.h"
#include "cases.h"
#include "driver.h"
#include "driverend.h"
#include "image.h"
#include "lease.h"
#include "plancheck.h"
#include "start.h"
#include "undo.h"

static const char *EndName(CASES_END End)
{
    switch (End) {
    case CASES_CANCELLED: return "cancelled";
    case CASES_TAINTED: return "tainted";
    case CASES_DEVICE: return "device";
    case CASES_LEASE: return "lease";
    case CASES_JOURNAL: return "journal";
    default: return "done";
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

/*
 * Win32 is why the journal could not be written in between, or ERROR_SUCCESS. Kept is how many changes of the
 * suites' set-ups could not be undone.
 */
static void WriteRunEnd(JOURNAL *Journal, const char *Why, UINT32 Cases, DWORD Win32, UINT32 Kept)
{
    TEXT *line = JournalEvent(Journal, "run-end");

    JsonString(line, "why", Why);
    JsonU64(line, "cases", Cases);
    if (Win32 != ERROR_SUCCESS)
        JsonU64(line, "win32", Win32);
    if (Kept != 0)
        JsonU64(line, "kept", Kept);
    JournalWrite(Journal);
}

void WritePlanRefused(JOURNAL *Journal, UINT32 Ended)
{
    WriteRunEnd(Journal, "plan", Ended, ERROR_SUCCESS, 0);
}

static void WriteDriverStart(JOURNAL *Journal, const START *Start)
{
    TEXT *line = JournalEvent(Journal, "driver-start");

    JsonU64(line, "ok", Start->Why == NULL);
    JsonU64(line, "win32", Start->Win32);
    StartTellEntry(line, Start);
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

/*
 * Brings the driver up, or says in the journal why not and leaves nothing running. *Unwritten is why it could
 * not be said, or ERROR_SUCCESS.
 */
static BOOL BringUp(JOURNAL *Journal, const PLAN *Plan, DEVICE **Device, DWORD *Unwritten)
{
    START start = {0};
    BOOL up;

    *Device = NULL;
    up = Plan->DriverPath != NULL ? StartUp(Plan, NULL, Device, &start) : StartOpen(Device, &start);
    WriteDriverStart(Journal, &start);
    *Unwritten = JournalRevive(Journal);
    if (up && *Unwritten == ERROR_SUCCESS)
        return TRUE;
    DeviceClose(*Device);
    *Device = NULL;
    if (Plan->DriverPath == NULL || start.Sha256[0] == '\0')
        return FALSE;
    /* With a DriverEntry that does not return, the manager may not return from a removal either: "hang" is
     * left. */
    if (start.Why == NULL || strcmp(start.Why, "open") == 0 || strcmp(start.Why, "abi") == 0)
        (void)DriverEnd(Journal, Plan, FALSE);
    else if (strcmp(start.Why, "start") == 0)
        (void)DriverRemove(Plan->ServiceName);
    return FALSE;
}

/* Everything from the cases on; the driver is up, or is to be brought up by the case that goes on. */
static void RunCases(CASES *Cases, const REBOOT_POINT *From)
{
    const PLAN *plan = Cases->Plan;
    CASES_END end = CasesRun(Cases, From);
    const char *why;
    UINT32 kept = 0;
    DWORD unwritten;

    if (end == CASES_REBOOTING)
        return; /* the journal is the next boot's */
    DeviceClose(Cases->Executor.Device);
    Cases->Executor.Device = NULL;
    if (end != CASES_TAINTED && end != CASES_LEASE)
        UndoSome(); /* what the set-up of a suite has changed, while the key of the driver's service is there
                     */
    unwritten = JournalRevive(Cases->Journal);
    LeaseTouch(Cases->Files->Lease);
    if (end != CASES_TAINTED && LeaseLost(Cases->Files->Lease))
        end = CASES_LEASE;
    why = EndName(end);
    /*
     * A tainted driver can't be unloaded safely, and one without a device is not there to be. Where the guest
     * is another's, so may be what runs under the driver's name.
     */
    if (plan->DriverPath != NULL && end != CASES_TAINTED && end != CASES_LEASE &&
        (end != CASES_DEVICE || plan->External) && !DriverEnd(Cases->Journal, plan, Cases->Lost))
        why = "tainted";
    if (end != CASES_TAINTED && end != CASES_LEASE && !LeaseLost(Cases->Files->Lease))
        kept = UndoAll(); /* what the driver had open */
    WriteRunEnd(Cases->Journal, why, Cases->Ended, unwritten, kept);
}

static void BeginCases(CASES *Cases)
{
    DWORD unwritten;

    WriteRunStart(Cases->Journal, Cases->Plan);
    if (Cases->Journal->Error != ERROR_SUCCESS)
        return;
    LeaseTouch(Cases->Files->Lease);
    if (LeaseLost(Cases->Files->Lease)) {
        WriteRunEnd(Cases->Journal, "lease", 0, ERROR_SUCCESS, 0);
        return;
    }
    (void)UndoAll(); /* what a run before this has left, which is over */
    if (BringUp(Cases->Journal, Cases->Plan, &Cases->Executor.Device, &unwritten))
        RunCases(Cases, NULL);
    else
        WriteRunEnd(Cases->Journal, unwritten != ERROR_SUCCESS ? "journal" : "driver-start", 0, unwritten, 0);
}

static void ResumeCases(CASES *Cases, const REBOOT_POINT *From)
{
    char boot[BOOT_ID_CHARS + 1];
    TEXT *line = JournalEvent(Cases->Journal, "boot");

    JsonString(line, "boot", BootId(boot) == ERROR_SUCCESS ? boot : "");
    JsonU64(line, "unixMs", UnixTimeMs());
    JournalWrite(Cases->Journal);
    RunCases(Cases, From);
}

void RunPlan(const RUN_FILES *Files, JOURNAL *Journal, const REBOOT_POINT *From, HANDLE Cancel)
{
    CASES cases = {.Journal = Journal, .Files = Files, .Cancel = Cancel};
    char buffer[512];
    TEXT reason;
    PLAN plan;

    TextInit(&reason, buffer, sizeof buffer);
    /* The plan passed these checks before the service was started, but the file is read again here. */
    if (!PlanLoad(&plan, Files->Plan, &reason) || (From != NULL && !CasesHave(&plan, From))) {
        WritePlanRefused(Journal, From != NULL ? From->Ended : 0);
    } else if (From != NULL && LeaseLost(Files->Lease)) {
        WriteRunEnd(Journal, "lease", From->Ended, ERROR_SUCCESS, 0);
    } else {
        cases.Plan = cases.Executor.Plan = &plan;
        cases.Executor.Journal = Files->Journal;
        if (From == NULL)
            BeginCases(&cases);
        else
            ResumeCases(&cases, From);
    }
    PlanFree(&plan);
}
