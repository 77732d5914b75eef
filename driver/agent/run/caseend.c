/* caseend.c - what comes behind the last step of a case: what it has left is ended, counted, and undone. */
#include "caseend.h"
#include "casedriver.h"
#include "driver.h"
#include "lease.h"
#include "undo.h"

/* For the driver to release, join and deregister what a case has left. */
#define RESET_MS        5000u
#define RESET_MARGIN_MS 2000u

/* To open the device once more, and then to ask. */
#define ASIDE_MS 3000u

static BOOL IsClean(const WSKT_RESIDUE *Residue)
{
    return Residue->Registrations == 0 && Residue->Captures == 0 && Residue->Threads == 0 &&
           Residue->PoolBlocks == 0 && Residue->Sockets == 0 && Residue->Irps == 0;
}

/* The case ends in another way than it seemed to, and not in a step. */
static void EndsOtherwise(CASE_RUN *Run, WHY *Why, WHY Now)
{
    if (*Why != Now)
        Run->UnderCount = 0;
    *Why = Now;
}

/* Has the driver tidy up and count. */
static DWORD Reset(DEVICE *Device, CASE_RUN *Run, DWORD TimeoutMs)
{
    const WSKT_RESET_IN in = {.Abi = WSKT_ABI, .TimeoutMs = TimeoutMs};
    DWORD returned;
    DWORD error = DeviceCall(Device, IOCTL_WSKT_RESET, &in, sizeof in, &Run->Residue, sizeof Run->Residue,
                             &returned, TimeoutMs + RESET_MARGIN_MS);

    if (error == ERROR_SUCCESS && returned != sizeof Run->Residue)
        error = ERROR_INVALID_DATA;
    Run->ResidueKnown = error == ERROR_SUCCESS;
    return error;
}

/*
 * A request is stuck: what is outstanding can only be asked on another handle and thread. Nothing is tidied
 * up: whoever looks at the machine next, or at its dump, is to find what the request is stuck in.
 */
static void LookAside(CASE_RUN *Run)
{
    WSKT_STATUS status;
    DEVICE *device;
    DWORD returned = 0;

    if (DeviceOpen(&device, ASIDE_MS) == ERROR_SUCCESS &&
        DeviceCall(device, IOCTL_WSKT_STATUS, NULL, 0, &status, sizeof status, &returned, ASIDE_MS) ==
            ERROR_SUCCESS &&
        returned == sizeof status) {
        Run->Residue.Before = status.Outstanding;
        Run->Residue.After = status.Outstanding;
        Run->ResidueKnown = TRUE;
    }
    DeviceClose(device);
}

/* Notes that the driver is not there for the next case. One that does not go can't be followed by another
 * either. */
static CASES_END NoteBack(CASE_RUN *Run, const START *Start)
{
    Run->Back = *Start;
    return strcmp(Start->Why, "install") == 0 || strcmp(Start->Why, "hang") == 0 ? CASES_TAINTED
                                                                                 : CASES_DEVICE;
}

/* A case may end with the driver unloaded: the next one, and the residue, want it back. */
static CASES_END BringBack(CASES *Cases, CASE_RUN *Run)
{
    START start = {0};

    if (Cases->Executor.Device != NULL || Cases->Plan->DriverPath == NULL)
        return CASES_DONE;
    if (LeaseLost(Cases->Files->Lease)) {
        Run->ResidueKnown = TRUE;
        return CASES_LEASE;
    }
    if (StartUp(Cases->Plan, NULL, &Cases->Executor.Device, &start))
        return CASES_DONE;
    Run->ResidueKnown = TRUE; /* nothing is left of a driver that is gone */
    return NoteBack(Run, &start);
}

/*
 * A driver that can't be asked what is left has to be there, at least. One that a step has unloaded comes
 * back.
 */
static CASES_END EndExternal(CASES *Cases, CASE_RUN *Run, WHY Why)
{
    CASES_END back = CASES_DONE;
    SERVICE_REPORT report;
    START start = {0};
    DEVICE *none;
    DWORD error;

    if (Why == WHY_HANG)
        return CASES_TAINTED;
    if (Cases->Executor.Unloaded && LeaseLost(Cases->Files->Lease))
        back = CASES_LEASE;
    else if (Cases->Executor.Unloaded && !StartUp(Cases->Plan, NULL, &none, &start))
        back = NoteBack(Run, &start);
    Cases->Executor.Unloaded = FALSE;
    error = DriverAsk(Cases->Plan->ServiceName, &report);
    Run->Driver = error == ERROR_SUCCESS ? ServiceStateName(report.State) : "unknown";
    if (back != CASES_DONE)
        return back;
    if (Why == WHY_IO)
        Cases->Lost = TRUE;
    if (Why == WHY_IO || error != ERROR_SUCCESS || report.State != SERVICE_RUNNING)
        return CASES_DEVICE;
    return Why == WHY_CANCELLED ? CASES_CANCELLED : CASES_DONE;
}

CASES_END EndCase(CASES *Cases, CASE_RUN *Run, WHY *Why)
{
    CASES_END back;
    DWORD error;

    ExecutorEndPrograms(&Cases->Executor);
    if (*Why != WHY_HANG) /* else it stays as it is, for whoever looks at the machine next */
        ExecutorTidy(&Cases->Executor);
    if (ExecutorBusy(&Cases->Executor) != 0)
        EndsOtherwise(Run, Why, WHY_HANG);
    ExecutorForget(&Cases->Executor);
    /* After a hang something may still be at work with it: whoever comes next does it. What a suite's set-up
     * changes lasts as long as the run. */
    if (*Why != WHY_HANG && Run->Case->Role != WSKP_ROLE_SET_UP)
        Run->NotUndone = UndoSince(Run->Changes);
    if (Cases->Plan->External)
        return EndExternal(Cases, Run, *Why);
    if (*Why == WHY_HANG) {
        LookAside(Run);
        return CASES_TAINTED;
    }
    back = BringBack(Cases, Run);
    if (back != CASES_DONE)
        return back;
    if (*Why == WHY_IO && !DeviceAnswers(Cases->Executor.Device))
        return CASES_DEVICE;
    error = Reset(Cases->Executor.Device, Run, RESET_MS);
    if (error == ERROR_TIMEOUT) {
        EndsOtherwise(Run, Why, WHY_HANG);
        return CASES_TAINTED;
    }
    if (error != ERROR_SUCCESS) {
        EndsOtherwise(Run, Why, WHY_IO);
        Run->IoError = error;
        return CASES_DEVICE;
    }
    if (!IsClean(&Run->Residue.After))
        return CASES_TAINTED;
    return *Why == WHY_CANCELLED ? CASES_CANCELLED : CASES_DONE;
}
