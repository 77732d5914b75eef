/* restart.c - the step that reboots the guest. */
#include "restart.h"
#include "bootfile.h"
#include "driver.h"
#include "image.h"
#include "path.h"
#include "runservice.h"

#define RUNNING_POLL_MS 10u

/* Read by a provider that can be controlled when it is first used: driver/include/wskcontrol.h. */
#define CONTROL_KEY L"SYSTEM\\CurrentControlSet\\Services\\WskTestControl"
#define READY_VALUE L"ReadyAfterMs"

static DWORD SetReadiness(UINT64 ReadyAfterPlusOne)
{
    DWORD ms, error;

    if (ReadyAfterPlusOne != 0) {
        ms = (DWORD)(ReadyAfterPlusOne - 1);
        return (DWORD)RegSetKeyValueW(HKEY_LOCAL_MACHINE, CONTROL_KEY, READY_VALUE, REG_DWORD, &ms,
                                      sizeof ms);
    }
    error = (DWORD)RegDeleteTreeW(HKEY_LOCAL_MACHINE, CONTROL_KEY);
    return error == ERROR_FILE_NOT_FOUND ? ERROR_SUCCESS : error;
}

/* Boot is the boot that is going on: the next one has no name yet. */
static DWORD PrepareDriver(const PLAN *Plan, const char *Boot, const WSKT_STEP *Step,
                           const WSKT_BATCH *AtStart, DWORD Bytes)
{
    START_WITH with = StartWithOf(Step, AtStart, Bytes);
    wchar_t image[MAX_PATH];
    DWORD error = StartPrepare(Plan, &with);

    if (error == ERROR_SUCCESS)
        error = DriverForgetLastLife(Plan->ServiceName);
    if (error != ERROR_SUCCESS || Step->Arg[2] != SERVICE_BOOT_START)
        return error != ERROR_SUCCESS ? error : DriverSetStart(Plan->ServiceName, (DWORD)Step->Arg[2], NULL);
    error = BootFileMake(Plan->ServiceName, Boot, Plan->DriverPath, image);
    return error != ERROR_SUCCESS ? error : DriverSetStart(Plan->ServiceName, SERVICE_BOOT_START, image);
}

/* Nothing of the preparations may be there for the boot after the next. */
static void Undo(const PLAN *Plan)
{
    (void)DriverSetStart(Plan->ServiceName, SERVICE_DEMAND_START, PathPlain(Plan->DriverPath));
    (void)StartPrepare(Plan, NULL);
    (void)SetReadiness(0);
    BootFilesDelete(Plan->ServiceName);
}

static DWORD PrepareRestart(const EXECUTOR *Executor, const RUN_FILES *Files, const JOURNAL *Journal,
                            REBOOT_POINT *Point, const WSKT_STEP *Step, const WSKT_BATCH *AtStart,
                            DWORD AtStartBytes)
{
    START start = {0};
    DWORD error;

    if (!StartVerify(Executor->Plan, &start))
        return start.Win32;
    error = BootId(Point->Boot);
    if (error == ERROR_SUCCESS)
        error = PrepareDriver(Executor->Plan, Point->Boot, Step, AtStart, AtStartBytes);
    if (error == ERROR_SUCCESS)
        error = SetReadiness(Step->Arg[3]);
    if (error == ERROR_SUCCESS)
        error = RunServiceAfterBoot(Files->Plan, Files->Journal, Files->Lease, Point->Reboots);
    if (error == ERROR_SUCCESS)
        error = JournalBytes(Journal, &Point->Bytes);
    if (error != ERROR_SUCCESS)
        return error;
    Point->Sequence = Journal->Sequence;
    Point->OrderMs = JournalMs(Journal);
    Point->OrderUnixMs = UnixTimeMs();
    return RebootPointSave(Files->Journal, Point);
}

BOOL Restart(EXECUTOR *Executor, const RUN_FILES *Files, const JOURNAL *Journal, REBOOT_POINT *Point,
             const WSKT_STEP *Step, const WSKT_BATCH *AtStart, DWORD AtStartBytes, HANDLE Cancel,
             WSKT_RESULT *Result)
{
    DWORD error;

    *Result = (WSKT_RESULT){.Executed = 1};
    Point->Reboots = Files->Reboots + 1;
    error = Point->Reboots > RUN_REBOOTS_MAX
                ? ERROR_TOO_MANY_CMDS
                : PrepareRestart(Executor, Files, Journal, Point, Step, AtStart, AtStartBytes);
    if (error == ERROR_SUCCESS)
        error = RebootOrder();
    /* The system ends this process, or asks it to end. */
    if (error == ERROR_SUCCESS && WaitForSingleObject(Cancel, Step->TimeoutMs) == WAIT_OBJECT_0)
        return TRUE;
    if (error == ERROR_SUCCESS)
        error = ERROR_TIMEOUT;
    Undo(Executor->Plan);
    RunServiceForget(Files->Journal, Point->Reboots);
    RebootPointForget(Files->Journal);
    Result->Status = WSKP_STATUS_OF_WIN32(error & 0xFFFF);
    return FALSE;
}

/* Waits for a service that starts with the guest: it may do so before this process, or after it. */
static BOOL AwaitDriver(const PLAN *Plan, UINT64 Ms, START *Start)
{
    UINT64 deadline = GetTickCount64() + Ms;

    for (;;) {
        SERVICE_REPORT report;
        DWORD error = DriverQuery(Plan->ServiceName, &report);

        if (error == ERROR_SUCCESS && report.State == SERVICE_RUNNING)
            return TRUE;
        Start->Why = "start";
        Start->Entry = DriverEntryStatus(Plan->ServiceName);
        Start->Win32 = error != ERROR_SUCCESS ? error
                       : report.ExitCode != 0 ? report.ExitCode
                                              : ERROR_SERVICE_NOT_ACTIVE;
        if (Start->Entry != 0 || GetTickCount64() >= deadline)
            return FALSE;
        Sleep(RUNNING_POLL_MS);
    }
}

/* Of a driver that started with the boot loader it is the copy that was loaded. */
static BOOL VerifyBootFile(const PLAN *Plan, const char *Boot, const WSKT_STEP *Step, START *Start)
{
    wchar_t file[MAX_PATH];

    if (Step->Arg[2] != SERVICE_BOOT_START)
        return TRUE;
    if (BootFilePath(Plan->ServiceName, Boot, file))
        return StartVerifyFile(Plan, file, Start);
    Start->Why = "hash";
    Start->Win32 = ERROR_FILENAME_EXCED_RANGE;
    return FALSE;
}

void Restarted(EXECUTOR *Executor, const REBOOT_POINT *Point, const WSKT_STEP *Step, WSKT_RESULT *Result)
{
    const PLAN *plan = Executor->Plan;
    START start = {0};
    UINT64 now;

    *Result = (WSKT_RESULT){.Executed = 1};
    if (Step->Arg[2] == SERVICE_DEMAND_START) {
        Undo(plan);
        if (plan->External) /* with its parameters as the case has them */
            (void)StartAgain(plan, &Executor->Device, &start);
        else
            (void)StartUp(plan, NULL, &Executor->Device, &start);
    } else {
        if (AwaitDriver(plan, Step->Arg[4], &start)) {
            start = (START){0};
            if (StartVerify(plan, &start) && VerifyBootFile(plan, Point->Boot, Step, &start) &&
                !plan->External)
                (void)StartOpen(&Executor->Device, &start);
        }
        Undo(plan);
    }
    StartTell(&start, Result);
    now = UnixTimeMs();
    Result->ElapsedNs = now > Point->OrderUnixMs ? (now - Point->OrderUnixMs) * 1000000u : 0;
    Result->MaxNs = Result->ElapsedNs;
}
