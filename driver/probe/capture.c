/* capture.c - capturing a provider NPI, looking at what was captured, and releasing it. */
#include "capture.h"
#include "workers.h"

static OPERATION_ROUTINE CaptureRun, ReleaseRun, InspectRun, CompareRun;
static OPERATION_CHECK CaptureCheck, ReleaseCheck, CompareCheck;

#define UNWRITTEN_WORD (0x0101010101010101ull * UNWRITTEN)

/* A pointer that the provider has written; NULL for one that it has left as it was. */
static PVOID Written(const VOID *Pointer)
{
    return (UINT64)(ULONG_PTR)Pointer != UNWRITTEN_WORD ? (PVOID)(ULONG_PTR)Pointer : NULL;
}

/* Lock held, the capture too. */
static VOID NoteCapture(CLIENT *Client, const WSK_PROVIDER_NPI *Npi)
{
    CAPTURED *captured = &Client->Captured;

    captured->SameClient = !captured->Any || captured->Client == (PVOID)Npi->Client;
    captured->SameDispatch = !captured->Any || captured->Dispatch == (const VOID *)Npi->Dispatch;
    captured->Any = TRUE;
    captured->Client = (PVOID)Npi->Client;
    captured->Dispatch = Npi->Dispatch;
    captured->Version = 0;
    captured->Reserved = 0;
    captured->Slots = 0;
    if (Npi->Dispatch != NULL) {
        captured->Version = Npi->Dispatch->Version;
        captured->Reserved = Npi->Dispatch->Reserved;
        captured->Slots = (Npi->Dispatch->WskSocket != NULL ? 0x01u : 0) |
                          (Npi->Dispatch->WskSocketConnect != NULL ? 0x02u : 0) |
                          (Npi->Dispatch->WskControlClient != NULL ? 0x04u : 0) |
                          (Npi->Dispatch->WskGetAddressInfo != NULL ? 0x08u : 0) |
                          (Npi->Dispatch->WskFreeAddressInfo != NULL ? 0x10u : 0) |
                          (Npi->Dispatch->WskGetNameInfo != NULL ? 0x20u : 0);
    }
}

/* What was captured is shown only while it is. */
_Requires_lock_held_(Client->Lock) static VOID DescribeCapture(const CLIENT *Client, WSKT_RESULT *Result)
{
    const CAPTURED *captured = &Client->Captured;

    Result->Value[WSKT_V_NPI_CAPTURES] = (UINT64)(UINT32)Client->Captures;
    Result->Value[WSKT_V_NPI_EVENTS] = ClientEvents(Client);
    if (Client->Captures == 0) {
        return;
    }
    Result->Value[WSKT_V_NPI_VERSION] = captured->Version;
    Result->Value[WSKT_V_NPI_RESERVED] = captured->Reserved;
    Result->Value[WSKT_V_NPI_CLIENT_SET] = captured->Client != NULL;
    Result->Value[WSKT_V_NPI_DISPATCH_SET] = captured->Dispatch != NULL;
    Result->Value[WSKT_V_NPI_SLOTS] = captured->Slots;
    Result->Value[WSKT_V_NPI_SAME_CLIENT] = captured->SameClient;
    Result->Value[WSKT_V_NPI_SAME_DISPATCH] = captured->SameDispatch;
}

_Requires_lock_held_(Client->Lock) static VOID CountCapture(CLIENT *Client, LONG Change, PKIRQL Irql)
{
    LONG captures = Client->Captures + Change;

    if (DEFECT(LOCK_MISSING)) {
        UINT64 end = ClockNs() + 50000;

        KeReleaseSpinLock(&Client->Lock, *Irql); /* others come in between, as if there were no lock */
        while (ClockNs() < end) {
            YieldProcessor();
        }
        KeAcquireSpinLock(&Client->Lock, Irql);
    }
    Client->Captures = captures;
}

static VOID CaptureRun(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    CLIENT *client = ClientAt(ClientArg(Call, 0));
    REGISTRATION *registration;
    WSK_PROVIDER_NPI npi;
    NTSTATUS status;
    BOOLEAN allowed;
    KIRQL irql;

    RtlFillMemory(&npi, sizeof(npi), UNWRITTEN);
    KeAcquireSpinLock(&client->Lock, &irql);
    if (client->State == CLIENT_UNUSED && Misuse(Call)) {
        client->Registration = &client->Static;
        allowed = TRUE;
    } else {
        /* After a deregistration it is defined (STATUS_DEVICE_NOT_READY) while the block is intact. */
        allowed = client->Registration != NULL && client->State != CLIENT_UNUSED &&
                  client->State != CLIENT_REGISTERING && client->State != CLIENT_DRAINING;
    }
    registration = client->Registration;
    if (allowed) {
        client->Calls++;
    }
    KeReleaseSpinLock(&client->Lock, irql);
    if (!allowed) {
        Refuse(Result, STATUS_INVALID_DEVICE_STATE);
        return;
    }

    status = WskCaptureProviderNPI(&registration->Block, (ULONG)Call->Step.Arg[1], &npi);

    KeAcquireSpinLock(&client->Lock, &irql);
    if (NT_SUCCESS(status)) {
        npi.Client = Written(npi.Client);
        npi.Dispatch = Written(npi.Dispatch);
        CountCapture(client, 1, &irql);
        NoteCapture(client, &npi);
    }
    Result->Status = (UINT32)(DEFECT(WRONG_STATUS) ? STATUS_SUCCESS : status);
    DescribeCapture(client, Result);
    ClientEndCall(client, irql);
}

static NTSTATUS CaptureCheck(const STEP_CALL *Call)
{
    UINT64 wait = Call->Step.Arg[1];

    if (AtDispatchLevel(Call) && wait != WSK_NO_WAIT && !Misuse(Call)) {
        return STATUS_INVALID_LEVEL; /* only a capture without a wait is allowed at DISPATCH_LEVEL */
    }
    return Sound(IsClient(Call, Call->Step.Arg[0]) &&
                 (wait <= WSKT_MAX_WAIT_MS || wait == WSK_INFINITE_WAIT));
}

/* What is captured now. */
_IRQL_requires_max_(DISPATCH_LEVEL) static VOID Inspect(UINT32 Index, WSKT_RESULT *Result)
{
    CLIENT *client = ClientAt(Index);
    KIRQL irql;

    KeAcquireSpinLock(&client->Lock, &irql);
    Result->Status = (UINT32)STATUS_SUCCESS;
    DescribeCapture(client, Result);
    KeReleaseSpinLock(&client->Lock, irql);
}

static VOID InspectRun(const STEP_CALL *Call, WSKT_RESULT *Result) { Inspect(ClientArg(Call, 0), Result); }

/* What a release has taken upon itself, so that nobody else releases the same capture. */
typedef struct CLAIM {
    REGISTRATION *Registration;
    BOOLEAN Held; /* there is a capture; without one it is misuse */
} CLAIM;

static BOOLEAN ClaimRelease(CLIENT *Client, BOOLEAN Misuse, CLAIM *Claim)
{
    BOOLEAN allowed;
    KIRQL irql;

    KeAcquireSpinLock(&Client->Lock, &irql);
    Claim->Registration = Client->Registration;
    Claim->Held = Client->Captures > Client->Releasing;
    allowed =
        Claim->Registration != NULL &&
        (Misuse || (Claim->Held && (Client->NpiCalls == 0 || Client->Captures - Client->Releasing > 1)));
    if (allowed) {
        Client->Calls++;
        Client->Releasing += Claim->Held;
    }
    KeReleaseSpinLock(&Client->Lock, irql);
    return allowed;
}

static VOID ReleaseClient(CLIENT *Client, const CLAIM *Claim, WSKT_RESULT *Result)
{
    KIRQL irql;

    if (!DEFECT(NO_RELEASE)) {
        WskReleaseProviderNPI(&Claim->Registration->Block);
    }

    KeAcquireSpinLock(&Client->Lock, &irql);
    Client->Releasing -= Claim->Held;
    if (Claim->Held && !DEFECT(NO_RELEASE)) {
        CountCapture(Client, -1, &irql);
    }
    Result->Status = (UINT32)STATUS_SUCCESS; /* it returns nothing */
    DescribeCapture(Client, Result);
    ClientEndCall(Client, irql);
}

/* Releases a capture of the client, unless there is none. */
_IRQL_requires_max_(DISPATCH_LEVEL) static VOID ReleaseNow(UINT32 Index, BOOLEAN Misuse, WSKT_RESULT *Result)
{
    CLAIM claim;

    if (ClaimRelease(ClientAt(Index), Misuse, &claim)) {
        ReleaseClient(ClientAt(Index), &claim, Result);
    } else {
        Refuse(Result, STATUS_INVALID_DEVICE_STATE);
    }
}

/* What a worker needs to release later. */
typedef struct LATER {
    CLIENT *Client;
    CLAIM Claim;
    UINT32 Ms;
} LATER;

/* A worker. */
_IRQL_requires_max_(PASSIVE_LEVEL) static VOID ReleaseWork(PVOID Context)
{
    LATER *later = Context;
    WSKT_RESULT result = {0};

    SleepMs(later->Ms);
    ReleaseClient(later->Client, &later->Claim, &result);
    PoolFree(POOL_REQUEST, later);
}

/* Takes a capture out of everybody's hands; a worker releases it so many milliseconds later. PASSIVE_LEVEL.
 */
static VOID ReleaseAfter(UINT32 Index, UINT32 Ms, WSKT_RESULT *Result)
{
    LATER *later = PoolAllocate(POOL_REQUEST, sizeof(*later));
    NTSTATUS status;

    if (later == NULL) {
        Refuse(Result, STATUS_INSUFFICIENT_RESOURCES);
        return;
    }
    later->Client = ClientAt(Index);
    later->Ms = Ms;
    if (!ClaimRelease(later->Client, FALSE, &later->Claim)) {
        PoolFree(POOL_REQUEST, later);
        Refuse(Result, STATUS_INVALID_DEVICE_STATE);
        return;
    }
    status = WorkersStart(ReleaseWork, NULL, later);
    if (NT_SUCCESS(status)) {
        Inspect(Index, Result);
    } else {
        ReleaseClient(later->Client, &later->Claim, Result);
        PoolFree(POOL_REQUEST, later);
        Refuse(Result, status);
    }
}

static VOID ReleaseRun(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    if (Call->Step.Arg[1] != 0) {
        ReleaseAfter(ClientArg(Call, 0), (UINT32)Call->Step.Arg[1], Result);
    } else {
        ReleaseNow(ClientArg(Call, 0), Misuse(Call), Result);
    }
}

static NTSTATUS ReleaseCheck(const STEP_CALL *Call)
{
    UINT64 ms = Call->Step.Arg[1];

    return Sound(IsClient(Call, Call->Step.Arg[0]) && ms <= WSKT_MAX_WAIT_MS &&
                 (ms == 0 || !AtDispatchLevel(Call)));
}

VOID CapturesReleaseAll(VOID)
{
    for (UINT32 i = 0; i < WSKT_MAX_CLIENTS; i++) {
        /* As many as there are now, and no more: a release that does nothing must not loop here. */
        for (LONG captures = ClientAt(i)->Captures; captures > 0; captures--) {
            WSKT_RESULT result = {0};

            ReleaseNow(i, FALSE, &result);
        }
    }
}

BOOLEAN CaptureEnter(UINT32 Index, WSK_PROVIDER_NPI *Npi)
{
    CLIENT *client = ClientAt(Index);
    BOOLEAN held;
    KIRQL irql;

    KeAcquireSpinLock(&client->Lock, &irql);
    held = client->Captures > client->Releasing && client->Captured.Dispatch != NULL;
    if (held) {
        Npi->Client = client->Captured.Client;
        Npi->Dispatch = client->Captured.Dispatch;
        client->NpiCalls++;
    }
    KeReleaseSpinLock(&client->Lock, irql);
    return held;
}

VOID CaptureLeave(UINT32 Index)
{
    CLIENT *client = ClientAt(Index);
    KIRQL irql;

    KeAcquireSpinLock(&client->Lock, &irql);
    client->NpiCalls--;
    KeReleaseSpinLock(&client->Lock, irql);
}

/* One lock at a time: two callers may compare the same pair the other way round. */
static BOOLEAN CopyCaptured(CLIENT *Client, CAPTURED *Copy)
{
    BOOLEAN held;
    KIRQL irql;

    KeAcquireSpinLock(&Client->Lock, &irql);
    *Copy = Client->Captured;
    held = Client->Captures > 0;
    KeReleaseSpinLock(&Client->Lock, irql);
    return held;
}

static VOID CompareRun(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    CAPTURED first;
    CAPTURED second;

    if (!CopyCaptured(ClientAt(ClientArg(Call, 0)), &first) ||
        !CopyCaptured(ClientAt(ClientArg(Call, 1)), &second)) {
        Refuse(Result, STATUS_INVALID_DEVICE_STATE); /* nothing captured to compare */
        return;
    }
    Result->Status = (UINT32)STATUS_SUCCESS;
    Result->Value[WSKT_V_COMPARE_SAME_CLIENT] = first.Client == second.Client;
    Result->Value[WSKT_V_COMPARE_SAME_DISPATCH] = first.Dispatch == second.Dispatch;
}

static NTSTATUS CompareCheck(const STEP_CALL *Call)
{
    return Sound(IsClient(Call, Call->Step.Arg[0]) && IsClient(Call, Call->Step.Arg[1]));
}

const OPERATION CaptureOperation = {CaptureRun, CaptureCheck, LEVEL_DISPATCH};
const OPERATION ReleaseOperation = {ReleaseRun, ReleaseCheck, LEVEL_DISPATCH};
const OPERATION InspectOperation = {InspectRun, ClientCheck, LEVEL_DISPATCH};
const OPERATION CompareOperation = {CompareRun, CompareCheck, LEVEL_DISPATCH};
