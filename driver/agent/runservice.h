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

/* The name of the service that writes the journal at Path (as PathOpen gives it). */
void RunServiceName(const wchar_t *Journal, wchar_t Name[RUN_SERVICE_CHARS]);

/*
 * Creates and starts the service, and returns when it holds its journal. Paths as PathOpen gives them.
 * *Retries says how often the manager had to be asked again.
 */
DWORD RunServiceStart(const wchar_t *Plan, const wchar_t *Journal, DWORD *Retries);

/* Asks the service to stop after the current step. ERROR_SERVICE_DOES_NOT_EXIST when there is none. */
DWORD RunServiceCancel(const wchar_t *Journal);
