/*
 * bare.c - the least that runs a unit in the sample driver: its service, its device, one request, and all of
 * it away again. What `run` is measured against.
 */
#include <stdio.h>
#include "wskabi.h"

#define STEPS 2u

static int Failed(const char *What)
{
    fprintf(stderr, "bare: %s: error %lu\n", What, GetLastError());
    return 1;
}

/* Waits for the manager, which answers before the driver has started or stopped. */
static BOOL Await(SC_HANDLE Service, DWORD State)
{
    SERVICE_STATUS status = {0};

    for (unsigned tries = 0; tries < 10000; tries++) {
        if (!QueryServiceStatus(Service, &status) || status.dwCurrentState == State)
            break;
        Sleep(1);
    }
    return status.dwCurrentState == State;
}

/* Registers with WSK and deregisters, as the case registration.basic does. */
static int Ask(void)
{
    static UINT8 in[FIELD_OFFSET(WSKT_BATCH, Step) + STEPS * sizeof(WSKT_STEP)];
    static UINT8 out[FIELD_OFFSET(WSKT_BATCH_RESULT, Result) + STEPS * sizeof(WSKT_RESULT)];
    WSKT_BATCH *unit = (WSKT_BATCH *)(void *)in;
    const WSKT_BATCH_RESULT *answer = (const WSKT_BATCH_RESULT *)(const void *)out;
    DWORD got = 0;
    BOOL done;
    HANDLE device =
        CreateFileW(WSKT_DEVICE_USER, GENERIC_READ | GENERIC_WRITE, 0, NULL, OPEN_EXISTING, 0, NULL);

    if (device == INVALID_HANDLE_VALUE)
        return Failed("open the device");
    unit->Abi = WSKT_ABI;
    unit->StepCount = STEPS;
    unit->Repeat = unit->Parallel = 1;
    unit->TimeoutMs = 5000;
    unit->Step[0].Op = WSKT_OP_REGISTER;
    unit->Step[0].Arg[1] = 0x100;
    unit->Step[1].Op = WSKT_OP_DEREGISTER;
    unit->Step[0].TimeoutMs = unit->Step[1].TimeoutMs = 2000;
    done = DeviceIoControl(device, IOCTL_WSKT_RUN, in, sizeof in, out, sizeof out, &got, NULL);
    CloseHandle(device);
    if (!done || got != sizeof out || answer->FailedStep != -1 || answer->Completed != 1)
        return Failed("run the unit");
    return 0;
}

int main(void)
{
    SERVICE_STATUS status;
    int code;
    SC_HANDLE service, manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CREATE_SERVICE);

    if (manager == NULL)
        return Failed("open the service manager");
    service = CreateServiceW(manager, L"wsksample", NULL, SERVICE_ALL_ACCESS, SERVICE_KERNEL_DRIVER,
                             SERVICE_DEMAND_START, SERVICE_ERROR_NORMAL, L"C:\\wsksample.sys", NULL, NULL,
                             NULL, NULL, NULL);
    if (service == NULL)
        return Failed("make the service");
    if (!StartServiceW(service, 0, NULL) || !Await(service, SERVICE_RUNNING))
        return Failed("start the driver");
    code = Ask();
    if (!ControlService(service, SERVICE_CONTROL_STOP, &status) || !Await(service, SERVICE_STOPPED))
        return Failed("stop the driver");
    if (!DeleteService(service))
        return Failed("remove the service");
    return code;
}
