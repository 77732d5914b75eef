/* casedriver.c - runs one batch of a case by the driver. */
#include "casedriver.h"
#include "judge.h"

/* A batch ends itself at its limit; this is what it may take to tell, on a busy machine. */
#define BATCH_MARGIN_MS 5000u

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
static DWORD RunRequest(CASES *Cases, const WSKT_BATCH *Batch, DWORD Bytes, void *Reply, DWORD *Returned)
{
    HANDLE cancel = Batch->Repeat > 1 || Batch->Parallel > 1 ? Cases->Cancel : NULL;
    DEVICE *device = Cases->Executor.Device;
    DWORD out = (DWORD)(FIELD_OFFSET(WSKT_BATCH_RESULT, Result) + Batch->StepCount * sizeof(WSKT_RESULT));
    DWORD limit = Batch->TimeoutMs + BATCH_MARGIN_MS;
    DWORD error = DeviceSend(device, IOCTL_WSKT_RUN, Batch, Bytes, out);

    if (error == ERROR_SUCCESS)
        error = DeviceAwait(device, Reply, Returned, limit, cancel);
    if (error == ERROR_CANCELLED) {
        StopLoops();
        error = DeviceAwait(device, Reply, Returned, limit, NULL);
    }
    return error;
}

DWORD FillBatch(const PLAN *Plan, UINT32 Case, UINT32 FirstStep, const WSKP_BATCH *From, UINT32 TimeoutMs,
                WSKT_BATCH *Batch)
{
    Batch->Abi = WSKT_ABI;
    Batch->StepCount = From->StepCount;
    Batch->TimeoutMs = TimeoutMs;
    Batch->Repeat = From->Repeat;
    Batch->Parallel = From->Parallel;
    Batch->ClientStride = From->ClientStride;
    Batch->SocketStride = From->SocketStride;
    Batch->ForMs = From->ForMs < TimeoutMs ? From->ForMs : TimeoutMs;
    Batch->Groups = From->Groups;
    Batch->Seed = From->Seed;
    Batch->Case = Case;
    Batch->FirstStep = FirstStep;
    for (UINT32 i = 0; i < From->StepCount; i++)
        Batch->Step[i] = Plan->Step[From->FirstStep + i].Step;
    return (DWORD)(FIELD_OFFSET(WSKT_BATCH, Step) + From->StepCount * sizeof(WSKT_STEP));
}

/* Asks for the results of a batch that DriverEntry has run. */
static DWORD StartedRequest(CASES *Cases, const WSKP_BATCH *Batch, void *Reply, DWORD *Returned)
{
    return DeviceCall(
        Cases->Executor.Device, IOCTL_WSKT_STARTED, NULL, 0, Reply,
        (DWORD)(FIELD_OFFSET(WSKT_BATCH_RESULT, Result) + Batch->StepCount * sizeof(WSKT_RESULT)), Returned,
        Batch->TimeoutMs + BATCH_MARGIN_MS);
}

WHY RunDriverBatch(CASES *Cases, CASE_RUN *Run, const WSKP_BATCH *Batch, UINT32 TimeoutMs)
{
    UINT64 request[DEVICE_BATCH_BYTES / sizeof(UINT64) + 1], reply[DEVICE_REPLY_BYTES / sizeof(UINT64) + 1];
    WSKT_BATCH *batch = (WSKT_BATCH *)request;
    const WSKT_BATCH_RESULT *answer = (const WSKT_BATCH_RESULT *)reply;
    BOOL atStart = (Batch->Flags & WSKP_BATCH_AT_START) != 0;
    DWORD bytes = 0, returned = 0;

    if (Cases->Executor.Device == NULL) {
        Run->IoError = ERROR_NOT_READY; /* it is not loaded */
    } else if (atStart) {
        Run->IoError = StartedRequest(Cases, Batch, reply, &returned);
    } else {
        bytes = FillBatch(Cases->Plan, Run->Index, Run->FirstStep, Batch, TimeoutMs, batch);
        Run->IoError = RunRequest(Cases, batch, bytes, reply, &returned);
    }
    if (Run->IoError == ERROR_TIMEOUT)
        return EndsIn(Run, Batch->StepCount, WHY_HANG);
    if (Run->IoError == ERROR_SUCCESS && !AnswerIsSound(Batch, answer, returned))
        Run->IoError = ERROR_INVALID_DATA;
    if (Run->IoError != ERROR_SUCCESS)
        return EndsIn(Run, Batch->StepCount, WHY_IO);
    if (WriteSteps(Cases, Run, Batch, answer, NULL))
        return WHY_DONE;
    if (answer->FailedStep < 0 && WaitForSingleObject(Cases->Cancel, 0) == WAIT_OBJECT_0)
        return WHY_CANCELLED; /* its loop was ended */
    return EndsDeviating(Run, Batch, answer, TimeoutMs);
}

BOOL DeviceAnswers(DEVICE *Device)
{
    WSKT_HELLO hello;
    DWORD returned;

    return DeviceCall(Device, IOCTL_WSKT_HELLO, NULL, 0, &hello, sizeof hello, &returned, HELLO_AGAIN_MS) ==
               ERROR_SUCCESS &&
           returned == sizeof hello;
}
