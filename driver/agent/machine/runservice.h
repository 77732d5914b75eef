/*
 * runservice.h - the service that a run lives in.
 *
 * What WinRM starts dies with its shell, so a run is a service of its own. Its name follows from the
 * journal's path, so that anybody who knows the journal can find it; it marks itself for deletion as
 * soon as it runs, so that it goes with its process even if that is killed.
 */
#pragma once

#include "service.h"

#define RUN_SERVICE_CHARS 48u

/*
 * The name of the service that writes the journal at Path (as PathOpen gives it), after that many reboots of
 * the run. Each boot has its own, since the one that goes on is made while the one before it is being
 * deleted.
 */
#define RUN_REBOOTS_MAX 255u

void RunServiceName(const wchar_t *Journal, UINT32 Reboots, wchar_t Name[RUN_SERVICE_CHARS]);

/*
 * Says that this process is about to start the run, for as long as it lives or until the handle is closed.
 * NULL where that could not be said: nobody waits for the run then.
 */
HANDLE RunServiceAnnounce(const wchar_t *Journal);

/* Does any process say so? */
BOOL RunServiceAnnounced(const wchar_t *Journal);

/* Makes the service that goes on with the journal when the guest is up again. */
DWORD RunServiceAfterBoot(const wchar_t *Plan, const wchar_t *Journal, UINT32 Lease, UINT32 Reboots);

/* Deletes that service, where it is there. */
void RunServiceForget(const wchar_t *Journal, UINT32 Reboots);

/*
 * Creates and starts the service, and returns when it holds its journal. Paths as PathOpen gives them.
 * *Retries says how often the manager had to be asked again.
 */
DWORD RunServiceStart(const wchar_t *Plan, const wchar_t *Journal, UINT32 Lease, DWORD *Retries);

/* Asks the service to stop after the current step. ERROR_SERVICE_DOES_NOT_EXIST when there is none. */
DWORD RunServiceCancel(const wchar_t *Journal);

/* Ends the process of the service, and returns when it is gone. ERROR_SERVICE_DOES_NOT_EXIST when there is
 * none. */
DWORD RunServiceKill(const wchar_t *Journal);
