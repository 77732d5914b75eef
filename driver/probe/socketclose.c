/*
 * socketclose.c - closing whatever named sockets are left.
 */
#include "socketclose.h"
#include "namedsocket.h"
#include "pending.h"
#include "socketcall.h"

VOID SocketsClose(VOID)
{
    PendingReap(); /* a socket that was made or accepted, and not taken yet, is open after this */
    /*
     * In reverse of how they were made: an accepted socket before its listener. Wine closes the socket
     * that a listener accepted last once more with the listener, and then fails the accepted one's close.
     */
    for (UINT32 i = WSKT_MAX_SOCKETS; i-- > 0;) {
        WSKT_RESULT result = {0};

        if (NamedSocketAt(i)->State == SOCKET_OPEN) {
            SocketClose(i, TRUE, 0, &result);
        }
    }
}

VOID SocketsEnd(VOID)
{
    SocketsClose();
    PendingTidy();
    while (!NamedSocketsFree()) {
        /* No limit: WskDeregister, which comes next, would wait for the same sockets. */
        SleepMs(1);
        SocketsClose();
        PendingTidy();
    }
}
