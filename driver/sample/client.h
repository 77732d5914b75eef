/*
 * client.h - named WSK clients: the registrations and captures that suites play with.
 *
 * A client is static storage and never freed, so that calling WSK after a deregistration, which the
 * documentation defines, touches memory that is there.
 */
#pragma once

#include "sample.h"

/* Once, in DriverEntry. */
VOID ClientsInitialize(VOID);

/*
 * One WSK call each, on client Index (below WSKT_MAX_CLIENTS, the caller checks). A call that the
 * client's state forbids is refused, unless Misuse says to make it nevertheless. The status, the
 * origin and the values go to Result; Result->Value starts zeroed.
 *
 * IRQL: register, deregister, and capture with a wait: PASSIVE_LEVEL. The others: <= DISPATCH_LEVEL.
 */
typedef struct REGISTER_ARGS {
    UINT16 Version;
    UINT16 Reserved;
    UINT32 Flags; /* WSKT_REG_* */
} REGISTER_ARGS;

VOID ClientRegister(UINT32 Index, const REGISTER_ARGS *Args, BOOLEAN Misuse, WSKT_RESULT *Result);
VOID ClientDeregister(UINT32 Index, BOOLEAN Misuse, WSKT_RESULT *Result);
VOID ClientCapture(UINT32 Index, UINT32 WaitMs, BOOLEAN Misuse, WSKT_RESULT *Result);
VOID ClientRelease(UINT32 Index, BOOLEAN Misuse, WSKT_RESULT *Result);

/* Takes a capture out of everybody's hands; a worker releases it so many milliseconds later. PASSIVE_LEVEL.
 */
VOID ClientReleaseAfter(UINT32 Index, UINT32 Ms, WSKT_RESULT *Result);
VOID ClientQuery(UINT32 Index, BOOLEAN Misuse, WSKT_RESULT *Result);
VOID ClientInspect(UINT32 Index, WSKT_RESULT *Result);
VOID ClientCompare(UINT32 Index, UINT32 Other, WSKT_RESULT *Result);

/*
 * The provider NPI that the client has captured, for one call through it; FALSE if it has none. Until
 * ClientLeaveNpi the last capture is not released, unless as misuse. IRQL <= DISPATCH_LEVEL.
 */
BOOLEAN ClientEnterNpi(UINT32 Index, WSK_PROVIDER_NPI *Npi);
VOID ClientLeaveNpi(UINT32 Index);

/* Registrations and captures of all clients that are not undone yet. Any IRQL <= DISPATCH_LEVEL. */
VOID ClientsCount(UINT32 *Registrations, UINT32 *Captures);

/* Releases everything that any client holds. IRQL <= DISPATCH_LEVEL. */
VOID ClientsReleaseAll(VOID);

/* Whether it holds a capture. Any IRQL <= DISPATCH_LEVEL. */
BOOLEAN ClientHolds(UINT32 Index);

/* Whether a deregistration of that client is still owed. */
BOOLEAN ClientNeedsDeregister(UINT32 Index);

/* Makes every client that has nothing out as if it had never been used. */
VOID ClientsForget(VOID);

/* step.c: marks a result as an answer of the driver, not of WSK. */
VOID Refuse(WSKT_RESULT *Result, NTSTATUS Status);
