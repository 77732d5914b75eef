/*
 * range.c - the versions that the model serves, and WskQueryProviderCharacteristics, which tells them.
 */
#include "model.h"

BOOLEAN RangeServes(CLIENT *Client)
{
    return SeamServes(Client->Version >= Model.Lowest && Client->Version <= Model.Highest, Client);
}

_IRQL_requires_max_(DISPATCH_LEVEL) MODEL_EXPORT NTSTATUS WSKAPI
    WskQueryProviderCharacteristics(PWSK_REGISTRATION WskRegistration,
                                    PWSK_PROVIDER_CHARACTERISTICS Characteristics)
{
    NTSTATUS status = STATUS_DEVICE_NOT_READY;
    const CLIENT *client;
    KIRQL irql;

    KeAcquireSpinLock(&Model.Lock, &irql);
    Model.Counters.QueryCalls++;
    client = ClientOf(WskRegistration);
    if (client != NULL && !client->Deregistered && SeamAnswers(ClockMs() >= Model.ReadyAt, client)) {
        Characteristics->LowestVersion = SeamLowest(Model.Lowest, Characteristics->LowestVersion);
        Characteristics->HighestVersion = SeamHighest(Model.Highest);
        status = STATUS_SUCCESS;
    }
    KeReleaseSpinLock(&Model.Lock, irql);
    return status;
}
