/* casedriver.c - runs one unit of a case by the driver. */
#include "casedriver.h"
#include "judge.h"

/* A unit ends itself at its limit; this is what it may take to tell, on a busy machine. */
#define UNIT_MARGIN_MS 5000u

#define HELLO_AGAIN_MS 5000u
#define STOP_MS        2000u

/* Ends the loops of a request that is out, on a handle of their own. */
static void StopLoops(void)
{
    DEVICE *device;
    DWORD returned;

    if (DeviceOpen(&device, STOP_MS) == ERROR_SUCCESS)
        (void)DeviceCall(device, IOCTL_WSKT_STOP, NULL, 0, NULL, 0, &returned, STOP_MS);
    DeviceClose(device);
}

/* A run that is cancelled does not wait for the time of a loop to be up. */
static DWORD RunRequest(CASES *Cases, const WSKT_UNIT *Unit, DWORD Bytes, void *Reply, DWORD *Returned)
{
    HANDLE cancel = Unit->Repeat > 1 || Unit->Parallel > 1 ? Cases->Cancel : NULL;
    DEVICE *device = Cases->Executor.Device;
    DWORD out = (DWORD)(FIELD_OFFSET(WSKT_UNIT_RESULT, Result) + Unit->StepCount * sizeof(WSKT_RESULT));
    DWORD limit = Unit->TimeoutMs + UNIT_MARGIN_MS;
    DWORD error = DeviceSend(device, IOCTL_WSKT_RUN, Unit, Bytes, out);

    if (error == ERROR_SUCCESS)
        error = DeviceAwait(device, Reply, Returned, limit, cancel);
    if (error == ERROR_CANCELLED) {
        StopLoops();
        error = DeviceAwait(device, Reply, Returned, limit, NULL);
    }
    return error;
}

DWORD FillUnit(const PLAN *Plan, UINT32 Case, UINT32 FirstStep, const WSKP_UNIT *From, UINT32 TimeoutMs,
               WSKT_UNIT *Unit)
{
    Unit->Abi = WSKT_ABI;
    Unit->StepCount = From->StepCount;
    Unit->TimeoutMs = TimeoutMs;
    Unit->Repeat = From->Repeat;
    Unit->Parallel = From->Parallel;
    Unit->ClientStride = From->ClientStride;
    Unit->SocketStride = From->SocketStride;
    Unit->ForMs = From->ForMs < TimeoutMs ? From->ForMs : TimeoutMs;
    Unit->Groups = From->Groups;
    Unit->Seed = From->Seed;
    Unit->Case = Case;
    Unit->FirstStep = FirstStep;
    for (UINT32 i = 0; i < From->StepCount; i++)
        Unit->Step[i] = Plan->Step[From->FirstStep + i].Step;
    return (DWORD)(FIELD_OFFSET(WSKT_UNIT, Step) + From->StepCount * sizeof(WSKT_STEP));
}

/* Asks for the results of a unit that DriverEntry has run. */
static DWORD StartedRequest(CASES *Cases, const WSKP_UNIT *Unit, void *Reply, DWORD *Returned)
{
    return DeviceCall(Cases->Executor.Device, IOCTL_WSKT_STARTED, NULL, 0, Reply,
                      (DWORD)(FIELD_OFFSET(WSKT_UNIT_RESULT, Result) + Unit->StepCount * sizeof(WSKT_RESULT)),
                      Returned, Unit->TimeoutMs + UNIT_MARGIN_MS);
}

WHY RunDriverUnit(CASES *Cases, CASE_RUN *Run, const WSKP_UNIT *Unit, UINT32 TimeoutMs)
{
    UINT64 request[DEVICE_UNIT_BYTES / sizeof(UINT64) + 1], reply[DEVICE_REPLY_BYTES / sizeof(UINT64) + 1];
    WSKT_UNIT *unit = (WSKT_UNIT *)request;
    const WSKT_UNIT_RESULT *answer = (const WSKT_UNIT_RESULT *)reply;
    BOOL atStart = (Unit->Flags & WSKP_UNIT_AT_START) != 0;
    DWORD bytes = 0, returned = 0;

    if (Cases->Executor.Device == NULL) {
        Run->IoError = ERROR_NOT_READY; /* it is not loaded */
    } else if (atStart) {
        Run->IoError = StartedRequest(Cases, Unit, reply, &returned);
    } else {
        bytes = FillUnit(Cases->Plan, Run->Index, Run->FirstStep, Unit, TimeoutMs, unit);
        Run->IoError = RunRequest(Cases, unit, bytes, reply, &returned);
    }
    if (Run->IoError == ERROR_TIMEOUT)
        return EndsIn(Run, Unit->StepCount, WHY_HANG);
    if (Run->IoError == ERROR_SUCCESS && !AnswerIsSound(Unit, answer, returned))
        Run->IoError = ERROR_INVALID_DATA;
    if (Run->IoError != ERROR_SUCCESS)
        return EndsIn(Run, Unit->StepCount, WHY_IO);
    if (WriteSteps(Cases, Run, Unit, answer, NULL))
        return WHY_DONE;
    if (answer->FailedStep < 0 && WaitForSingleObject(Cases->Cancel, 0) == WAIT_OBJECT_0)
        return WHY_CANCELLED; /* its loop was ended */
    return EndsDeviating(Run, Unit, answer, TimeoutMs);
}

BOOL DeviceAnswers(DEVICE *Device)
{
    WSKT_HELLO hello;
    DWORD returned;

    return DeviceCall(Device, IOCTL_WSKT_HELLO, NULL, 0, &hello, sizeof hello, &returned, HELLO_AGAIN_MS) ==
               ERROR_SUCCESS &&
           returned == sizeof hello;
}
