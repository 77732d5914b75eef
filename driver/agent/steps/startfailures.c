/* startfailures.c - every error path of the driver's start, taken once. */
#include "driver.h"
#include "start.h"
#include "status.h"
#include "step.h"

#define STARTS_MAX      500u /* more calls that can fail than any start has */
#define SETTLE_MS       10000u
#define CALL_MS         15000u
#define FAILING_OPEN_MS 2000u

#define STATUS_UNSUCCESSFUL_VALUE 0xC0000001u

/* Whether the failure that was asked for has been made by now. */
static BOOL AskInjected(DEVICE *Device, BOOL *Injected)
{
    WSKT_HELLO hello;
    DWORD returned;
    DWORD error = DeviceCall(Device, IOCTL_WSKT_HELLO, NULL, 0, &hello, sizeof hello, &returned, CALL_MS);

    *Injected = error == ERROR_SUCCESS && returned == sizeof hello && hello.Injected != 0;
    return error == ERROR_SUCCESS && returned == sizeof hello;
}

static UINT32 CountLeft(const PLAN *Plan, UINT64 *Value)
{
    WSKT_UNLOAD unloaded;
    DWORD error = DriverGetBinary(Plan->ServiceName, WSKT_UNLOAD_VALUE, &unloaded, sizeof unloaded);

    if (error != ERROR_SUCCESS)
        return StatusOfWin32(error);
    Value[WSKP_V_FAILURES_LEFT] += unloaded.Blocks + unloaded.Sockets;
    return 0;
}

/* A start that failed: with the right status, with no device, no service that runs, and nothing left. */
static UINT32 CheckFailed(const PLAN *Plan, const START *Start, UINT64 *Value)
{
    SERVICE_REPORT report;
    DEVICE *device;
    DWORD error;

    if (strcmp(Start->Why, "start") != 0)
        return StatusOfWin32(Start->Win32);
    if (Start->Entry != STATUS_INSUFFICIENT_RESOURCES_VALUE)
        return Start->Entry != 0 ? Start->Entry : StatusOfWin32(Start->Win32);
    error = DriverQuery(Plan->ServiceName, &report);
    if (error != ERROR_SUCCESS)
        return StatusOfWin32(error);
    if (report.State != SERVICE_STOPPED)
        return WSKP_STATUS_OF_WIN32(ERROR_SERVICE_ALREADY_RUNNING);
    error = DeviceOpen(&device, FAILING_OPEN_MS);
    Value[WSKP_V_FAILURES_DEVICES] += error == ERROR_SUCCESS;
    DeviceClose(device);
    Value[WSKP_V_FAILURES_ENTRY]++;
    return CountLeft(Plan, Value);
}

/* A start that succeeded: the failure came later, or not at all (*Last). The driver is unloaded. */
static UINT32 CheckStarted(const PLAN *Plan, DEVICE *Device, UINT64 *Value, BOOL *Last)
{
    BOOL injected = FALSE;
    WSKT_RESULT state;
    DWORD error;

    if (DeviceState(Device, SETTLE_MS, CALL_MS, &state) != ERROR_SUCCESS ||
        state.Status != STATUS_SUCCESS_VALUE || !AskInjected(Device, &injected)) {
        DeviceClose(Device);
        return STATUS_UNSUCCESSFUL_VALUE;
    }
    DeviceClose(Device);
    *Last = !injected;
    if (injected && state.Value[WSKT_V_STATE_PHASE] != WSKT_PHASE_FAILED)
        Value[WSKP_V_FAILURES_SURVIVED]++;
    else if (injected && state.Value[WSKT_V_STATE_STATUS] != STATUS_INSUFFICIENT_RESOURCES_VALUE)
        return (UINT32)state.Value[WSKT_V_STATE_STATUS];
    else
        Value[WSKP_V_FAILURES_LATER] += injected;
    error = DriverStop(Plan->ServiceName, Plan->Header->StopTimeoutMs);
    return error != ERROR_SUCCESS ? StatusOfWin32(error) : CountLeft(Plan, Value);
}

/*
 * The driver is not loaded before, nor after. STATUS_SUCCESS where the start came through in the end, with
 * nothing left to fail; else the status of the first start that was not as it should be.
 */
static UINT32 DoStartFailures(STEP_RUN *Run)
{
    UINT32 status = STATUS_SUCCESS_VALUE;
    BOOL last = FALSE;

    for (UINT32 n = 1; !last && status == STATUS_SUCCESS_VALUE; n++) {
        START_WITH with = {.FailAt = n, .Activate = (Run->Step->Arg[1] & WSKP_START_ACTIVATE) != 0};
        DEVICE *device = NULL;
        START start = {0};

        if (n > STARTS_MAX)
            status = STATUS_UNSUCCESSFUL_VALUE;
        else if (StartUp(Run->Plan, &with, &device, &start))
            status = CheckStarted(Run->Plan, device, Run->Result->Value, &last);
        else
            status = CheckFailed(Run->Plan, &start, Run->Result->Value);
    }
    return status;
}

const STEP_KIND StartFailuresStep = {
    .Op = WSKP_OP_START_FAILURES, .Execute = DoStartFailures, .Traits = STEP_STOPS};
