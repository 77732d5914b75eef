/* socketuse.c - what every call on a named socket begins and ends with. */
#include "socketuse.h"

BOOLEAN SocketUseBegin(SOCKET_USE *Use, const STEP_CALL *Call, UINT32 Kind, WSKT_RESULT *Result)
{
    Use->Index = SocketArg(Call, 0);
    Use->WaitMs = SocketWait(Call);
    Use->Socket = NamedSocketEnter(Use->Index, Kind);
    if (Use->Socket == NULL) {
        Refuse(Result, STATUS_INVALID_DEVICE_STATE);
        return FALSE;
    }
    Use->Kind = NamedSocketAt(Use->Index)->Kind;
    Use->Pending = PendingCreate(Call->Step.Op, Use->Index, NO_SOCKET, HasIrp(Call));
    if (Use->Pending == NULL) {
        NamedSocketLeave(Use->Index);
        Refuse(Result, STATUS_INSUFFICIENT_RESOURCES);
    }
    return Use->Pending != NULL;
}

VOID SocketUseEnd(const SOCKET_USE *Use, NTSTATUS Returned, WSKT_RESULT *Result)
{
    NamedSocketLeave(Use->Index);
    PendingSettle(Use->Pending, Returned, Use->WaitMs, FALSE, Result);
}

VOID SocketUseAbandon(const SOCKET_USE *Use, NTSTATUS Status, WSKT_RESULT *Result)
{
    NamedSocketLeave(Use->Index);
    PendingDestroy(Use->Pending);
    Refuse(Result, Status);
}

NTSTATUS SocketCheck(const STEP_CALL *Call)
{
    return Sound(SocketBounds(Call) && IsSocket(Call, Call->Step.Arg[0]) && Call->Step.Arg[1] <= 0xFFFFFFFF);
}

NTSTATUS SocketPairCheck(const STEP_CALL *Call)
{
    return Sound(SocketBounds(Call) && IsSocket(Call, Call->Step.Arg[0]) &&
                 IsSocket(Call, Call->Step.Arg[1]));
}

VOID LoopbackAddress(ADDRESS *Address, UINT16 Family, UINT16 Port)
{
    RtlZeroMemory(Address, sizeof(*Address));
    Address->V4.sin_family = Family;
    Address->V4.sin_port = (UINT16)(Port << 8 | Port >> 8);
    if (Family == AF_INET) {
        Address->V4.sin_addr.S_un.S_un_b.s_b1 = 127;
        Address->V4.sin_addr.S_un.S_un_b.s_b4 = 1;
    } else {
        Address->Bytes[8 + 15] = 1; /* SOCKADDR_IN6.sin6_addr is at 8: ::1 */
    }
}

BOOLEAN AddressOf(UINT32 Index, ADDRESS *Address)
{
    const NAMED_SOCKET *named = NamedSocketAt(Index);

    LoopbackAddress(Address, named->Family, named->Port);
    return named->Port != 0;
}
