/* query.c - asking the provider for its range of versions. */
#include "stepcall.h"
#include "client.h"

static OPERATION_ROUTINE QueryRun;

/*
 * A version that is neither the lowest nor the highest: the middle one of those with the highest's major
 * number, where that leaves one; else the one after the lowest. Between neighbours there is none, and it is
 * the highest.
 */
static USHORT VersionBetween(USHORT Lowest, USHORT Highest)
{
    USHORT first = MAKE_WSK_VERSION(WSK_MAJOR_VERSION(Highest), 0);

    if (first <= Lowest) {
        first = (USHORT)(Lowest + 1);
    }
    if (first >= Highest) {
        return Lowest < Highest - 1 ? (USHORT)(Lowest + 1) : Highest;
    }
    return (USHORT)(first + (Highest - first) / 2);
}

static VOID DescribeRange(const WSK_PROVIDER_CHARACTERISTICS *Range, WSKT_RESULT *Result)
{
    Result->Value[WSKT_V_QUERY_LOW] = Range->LowestVersion;
    Result->Value[WSKT_V_QUERY_HIGH] = Range->HighestVersion;
    Result->Value[WSKT_V_QUERY_BETWEEN] = VersionBetween(Range->LowestVersion, Range->HighestVersion);
    Result->Value[WSKT_V_QUERY_BELOW] = (USHORT)(Range->LowestVersion - 1);
    Result->Value[WSKT_V_QUERY_ABOVE] = (USHORT)(Range->HighestVersion + 1);
}

static VOID QueryRun(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    CLIENT *client = ClientAt(ClientArg(Call, 0));
    REGISTRATION *registration;
    WSK_PROVIDER_CHARACTERISTICS range;
    NTSTATUS status;
    BOOLEAN allowed;
    KIRQL irql;

    RtlFillMemory(&range, sizeof(range), UNWRITTEN);
    KeAcquireSpinLock(&client->Lock, &irql);
    registration = client->Registration;
    allowed = registration != NULL && (client->State == CLIENT_REGISTERED || Misuse(Call));
    if (allowed) {
        client->Calls++;
    }
    KeReleaseSpinLock(&client->Lock, irql);
    if (!allowed) {
        Refuse(Result, STATUS_INVALID_DEVICE_STATE);
        return;
    }

    status = WskQueryProviderCharacteristics(&registration->Block, &range);

    KeAcquireSpinLock(&client->Lock, &irql);
    Result->Status = (UINT32)status;
    if (NT_SUCCESS(status)) {
        DescribeRange(&range, Result);
    }
    ClientEndCall(client, irql);
}

const OPERATION QueryOperation = {QueryRun, ClientCheck, LEVEL_DISPATCH};
