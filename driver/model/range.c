/*
 * range.c - the versions that the model serves, and what it says of them.
 */
#include "model.h"

BOOLEAN RangeServes(const CLIENT *Client)
{
    USHORT version = DEFECT(NPI_READ_LATE) ? Client->Npi->Dispatch->Version : Client->Version;
    USHORT highest = Model.Highest;

    if (DEFECT(MINOR_UNCHECKED)) {
        highest |= 0xFF;
    } else if (DEFECT(HIGHEST_REFUSED)) {
        highest--;
    }
    if ((DEFECT(BETWEEN_REFUSED) && version > Model.Lowest && version < highest) || Client->Refused) {
        return FALSE;
    }
    return DEFECT(NO_VERSION_CHECK) ||
           ((version >= Model.Lowest || DEFECT(LOWEST_UNCHECKED)) && version <= highest);
}

VOID RangeTell(PWSK_PROVIDER_CHARACTERISTICS Range)
{
    USHORT lowest = Model.Lowest;
    USHORT highest = Model.Highest;

    if (DEFECT(RANGE_LOW)) {
        lowest--;
    } else if (DEFECT(RANGE_HIGH)) {
        highest++;
    } else if (DEFECT(RANGE_SHORT) && lowest < highest) {
        highest--;
    } else if (DEFECT(RANGE_LATE) && lowest < highest) {
        lowest++;
    } else if (DEFECT(QUERY_SWAPPED)) {
        lowest = Model.Highest;
        highest = Model.Lowest;
    }
    if (!DEFECT(RANGE_READ) || Range->LowestVersion == 0) {
        Range->LowestVersion = lowest;
    }
    Range->HighestVersion = highest;
}
