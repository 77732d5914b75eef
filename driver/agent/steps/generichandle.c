/* generichandle.c - steps that open a device, close it, and cancel what is out on its handle. */
#include "status.h"
#include "step.h"

#include <stdlib.h>

static BOOL FirstHandle(const WSKT_STEP *Step, UINT32 *Handle)
{
    *Handle = (UINT32)Step->Arg[0];
    return TRUE;
}

static UINT32 DoOpen(STEP_RUN *Run)
{
    wchar_t *name = WordsNextWide(&Run->Words);
    UINT32 status = StatusOfWin32(ERROR_INVALID_NAME);

    if (name != NULL)
        status = DeviceFileOpen(name, (Run->Step->Arg[1] & WSKP_OPEN_SYNCHRONOUS) != 0, Run->File);
    free(name);
    return status;
}

static UINT32 DoClose(STEP_RUN *Run)
{
    HANDLE handle = Run->File->Handle;

    Run->File->Handle = NULL;
    return CloseHandle(handle) ? STATUS_SUCCESS_VALUE : StatusOfWin32(GetLastError());
}

static BOOL IsCancelHandle(const WSKT_STEP *Step) { return Step->Arg[1] == WSKP_CANCEL_HANDLE; }

static UINT32 DoCancelHandle(STEP_RUN *Run)
{
    if (CancelIoEx(Run->File->Handle, NULL))
        return STATUS_SUCCESS_VALUE;
    return GetLastError() == ERROR_NOT_FOUND ? STATUS_NOT_FOUND_VALUE : StatusOfWin32(GetLastError());
}

const STEP_KIND OpenStep = {.Op = WSKP_OP_OPEN,
                            .Execute = DoOpen,
                            .ArgMax = {WSKP_MAX_HANDLES - 1, WSKP_OPEN_SYNCHRONOUS},
                            .Handle = FirstHandle,
                            .TextsMin = 1,
                            .TextsMax = 1,
                            .Traits = STEP_IN_LOOPS | STEP_OPENS};
const STEP_KIND CloseStep = {.Op = WSKP_OP_CLOSE,
                             .Execute = DoClose,
                             .ArgMax = {WSKP_MAX_HANDLES - 1},
                             .Handle = FirstHandle,
                             .Traits = STEP_IN_LOOPS | STEP_CLOSES};
const STEP_KIND CancelHandleStep = {.Op = WSKT_OP_CANCEL,
                                    .Is = IsCancelHandle,
                                    .Execute = DoCancelHandle,
                                    .ArgMax = {WSKP_MAX_HANDLES - 1},
                                    .Handle = FirstHandle,
                                    .Traits = STEP_IN_LOOPS};
