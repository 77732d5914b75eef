/* driverend.c - the end of a run's driver: the proof that it went, or that it stays. */
#include "driverend.h"
#include "bootfile.h"
#include "driver.h"
#include "start.h"

/* Why a driver has not stopped, in a word of driver-stop. */
static const char *StopWord(DWORD Error)
{
    switch (Error) {
    case ERROR_INVALID_SERVICE_CONTROL: return "refused";
    case ERROR_TIMEOUT: return "timeout";
    default: return "stop";
    }
}

/* The manager's word that it would stop is none that it has. */
static DWORD CheckStopped(const wchar_t *Name)
{
    SERVICE_REPORT report;
    DWORD error = DriverQuery(Name, &report);

    if (error != ERROR_SUCCESS || report.State == SERVICE_STOPPED)
        return error;
    return report.State == SERVICE_ABSENT ? ERROR_SERVICE_DOES_NOT_EXIST : ERROR_SERVICE_ALREADY_RUNNING;
}

/*
 * Did Unload run to its end? The sample's last word there is in its service's key; a driver whose host went
 * down in it counts as stopped, too. An external driver leaves none.
 */
static DWORD CheckUnloaded(const PLAN *Plan)
{
    WSKT_UNLOAD unloaded;
    DWORD error = Plan->External
                      ? ERROR_SUCCESS
                      : DriverGetBinary(Plan->ServiceName, WSKT_UNLOAD_VALUE, &unloaded, sizeof unloaded);

    return error == ERROR_FILE_NOT_FOUND ? ERROR_PROCESS_ABORTED : ERROR_SUCCESS;
}

/* Proof->Why is NULL if all is as it should be. */
static void StopDriver(const PLAN *Plan, BOOL Lost, START *Proof)
{
    DWORD error = DriverStop(Plan->ServiceName, Plan->Header->StopTimeoutMs);

    if (error == ERROR_SUCCESS)
        error = CheckStopped(Plan->ServiceName);
    if (error == ERROR_SUCCESS)
        error = Lost ? ERROR_PROCESS_ABORTED : CheckUnloaded(Plan);
    if (error != ERROR_SUCCESS) {
        Proof->Why = StopWord(error);
        Proof->Win32 = error;
        return;
    }
    (void)StartVerify(Plan, Proof);
    if (Plan->External)
        StartForget(Plan);
    /* Somebody else may have removed it or hold it open; the next install deals with what is left. */
    (void)DriverRemove(Plan->ServiceName);
    BootFilesDelete(Plan->ServiceName);
}

static void WriteProof(TEXT *Line, const START *Proof)
{
    JsonU64(Line, "ok", Proof->Why == NULL);
    JsonU64(Line, "win32", Proof->Win32);
    if (Proof->Sha256[0] != '\0')
        JsonString(Line, "sha256", Proof->Sha256);
    if (Proof->Why != NULL)
        JsonString(Line, "why", Proof->Why);
}

static BOOL StopAndTell(JOURNAL *Journal, const PLAN *Plan, BOOL Lost)
{
    UINT64 begin = JournalMs(Journal), took;
    START proof = {0};
    TEXT *line;

    StopDriver(Plan, Lost, &proof);
    took = JournalMs(Journal) - begin;
    line = JournalEvent(Journal, "driver-stop");
    WriteProof(line, &proof);
    JsonU64(line, "ms2", took);
    JournalWrite(Journal);
    return proof.Why == NULL;
}

static BOOL LeaveAndTell(JOURNAL *Journal, const PLAN *Plan)
{
    SERVICE_REPORT report;
    START proof = {0};
    DWORD error = DriverAsk(Plan->ServiceName, &report);
    TEXT *line;

    (void)StartVerify(Plan, &proof);
    if (error != ERROR_SUCCESS || report.State != SERVICE_RUNNING) {
        proof.Why = "state";
        proof.Win32 = error;
    }
    line = JournalEvent(Journal, "driver-left");
    WriteProof(line, &proof);
    JsonString(line, "driver", error == ERROR_SUCCESS ? ServiceStateName(report.State) : "unknown");
    JournalWrite(Journal);
    return proof.Why == NULL;
}

BOOL DriverEnd(JOURNAL *Journal, const PLAN *Plan, BOOL Lost)
{
    return Plan->NeverUnload ? LeaveAndTell(Journal, Plan) : StopAndTell(Journal, Plan, Lost);
}
