/*
 * status.c - what is in flight and outstanding.
 */
#include "status.h"
#include "client.h"
#include "context.h"
#include "inflight.h"
#include "namedsocket.h"
#include "pool.h"
#include "thread.h"
#include "workers.h"

VOID ResidueCount(WSKT_RESIDUE *Residue)
{
    ClientsCount(&Residue->Registrations, &Residue->Captures);
    Residue->Threads = ThreadsBusy() + WorkersBusy() + ContextsBusy();
    Residue->PoolBlocks = PoolBlocks(POOL_CASE) + PoolBlocks(POOL_REQUEST);
    Residue->Sockets = NamedSocketsCount();
}

VOID StatusTell(WSKT_STATUS *Out)
{
    RtlZeroMemory(Out, sizeof(*Out));
    Out->Abi = WSKT_ABI;
    InflightList(Out);
    ResidueCount(&Out->Outstanding);
    Out->Outstanding.Irps = Out->Irps;
}
