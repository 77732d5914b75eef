/* startup.c - steps that DriverEntry runs. */
#include "startup.h"
#include "parameter.h"
#include "batch.h"

#define BATCH_BYTES  (FIELD_OFFSET(WSKT_BATCH, Step) + WSKT_MAX_STEPS * sizeof(WSKT_STEP))
#define RESULT_BYTES (FIELD_OFFSET(WSKT_BATCH_RESULT, Result) + WSKT_MAX_STEPS * sizeof(WSKT_RESULT))

/* Static: they are too large for a stack, and no failure to allocate may come from here. */
static union {
    WSKT_BATCH Batch;
    UINT8 Bytes[BATCH_BYTES];
} Steps;
static union {
    WSKT_BATCH_RESULT Result;
    UINT8 Bytes[RESULT_BYTES];
} Results;
static ULONG ResultBytes; /* 0: there is none */

VOID StartupRun(VOID)
{
    ULONG bytes = ParameterTakeBinary(WSKT_START_STEPS_VALUE, &Steps, sizeof(Steps));

    if (bytes != 0 && NT_SUCCESS(BatchCheck(&Steps.Batch, bytes, sizeof(Results))) &&
        NT_SUCCESS(BatchRun(&Steps.Batch, &Results.Result))) {
        ResultBytes = BatchResultBytes(Steps.Batch.StepCount);
    }
}

NTSTATUS StartupResult(PVOID Out, ULONG OutputBytes, ULONG *Written)
{
    if (ResultBytes == 0) {
        return STATUS_NOT_FOUND;
    }
    if (OutputBytes < ResultBytes) {
        return STATUS_BUFFER_TOO_SMALL;
    }
    RtlCopyMemory(Out, &Results, ResultBytes);
    *Written = ResultBytes;
    return STATUS_SUCCESS;
}
