/*
 * block.c - what a WSK_REGISTRATION has in it from the client that had it before: nothing that matters, but
 * for defects.
 */
#include "model.h"

BOOLEAN BlockTaken(const WSK_REGISTRATION *Registration)
{
    ULONGLONG state = Registration->ReservedRegistrationState;

    return !(DEFECT(BLOCK_READ) && state != 0 && state != STATE_DEREGISTERED) &&
           !(DEFECT(BLOCK_LEFT_REFUSED) && state == STATE_DEREGISTERED) &&
           !(DEFECT(BLOCK_REMEMBERED) && Registration == Model.Left && state != STATE_DEREGISTERED);
}

/* Defects that take something over from the client that had the block before, as long as nobody clears it. */
VOID BlockBegin(CLIENT *Client, const WSK_REGISTRATION *Registration)
{
    if (Registration->ReservedRegistrationState != STATE_DEREGISTERED) {
        return;
    }
    if (DEFECT(VERSION_KEPT)) {
        Client->Version = (USHORT)Registration->ReservedRegistrationLock;
    } else if (DEFECT(REFUSAL_KEPT)) {
        Client->Refused = Registration->ReservedRegistrationLock != 0;
    }
}

VOID BlockEnd(const CLIENT *Client, WSK_REGISTRATION *Registration)
{
    if (DEFECT(BLOCK_REMEMBERED)) {
        Model.Left = Registration;
    } else if (DEFECT(VERSION_KEPT)) {
        Registration->ReservedRegistrationLock = Client->Version;
    } else if (DEFECT(REFUSAL_KEPT)) {
        Registration->ReservedRegistrationLock = Client->Refused;
    }
}
