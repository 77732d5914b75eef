/* drivercmd.c - `driver install|start|stop|remove|status`. */
#include "commands.h"
#include "complain.h"
#include "driver.h"
#include "lease.h"
#include "options.h"
#include "path.h"
#include "stream.h"

#include <stdlib.h>
#include <wchar.h>

/* For people at a prompt; a run has the limits of its plan. */
#define START_TIMEOUT_MS 60000u
#define STOP_TIMEOUT_MS  60000u

static DWORD Install(const wchar_t *Name, const wchar_t *PathText)
{
    DWORD error;
    wchar_t *path = PathOpen(PathText, &error);

    if (path == NULL)
        return error;
    if (GetFileAttributesW(path) == INVALID_FILE_ATTRIBUTES)
        error = GetLastError();
    if (error == ERROR_SUCCESS)
        error = DriverInstall(Name, PathPlain(path));
    free(path);
    return error;
}

static int Report(const wchar_t *Verb, const wchar_t *Name, DWORD Error)
{
    SERVICE_REPORT report = {.State = SERVICE_ABSENT};
    DWORD queried = DriverQuery(Name, &report);
    char attempt[64], buffer[256];
    TEXT text;

    if (Error == ERROR_SUCCESS)
        Error = queried;
    TextInit(&text, buffer, sizeof buffer);
    JsonBegin(&text);
    JsonBool(&text, "ok", Error == ERROR_SUCCESS);
    JsonU64(&text, "win32", Error);
    JsonString(&text, "state", queried == ERROR_SUCCESS ? ServiceStateName(report.State) : "unknown");
    JsonU64(&text, "entry", DriverEntryStatus(Name));
    JsonEnd(&text);
    TextAdd(&text, "\n");
    queried = WriteFully(GetStdHandle(STD_OUTPUT_HANDLE), text.Data, text.Length);
    if (Error == ERROR_SUCCESS)
        Error = queried;
    if (Error == ERROR_SUCCESS)
        return EXIT_DONE;
    TextInit(&text, attempt, sizeof attempt);
    TextAddWide(&text, Verb);
    TextAdd(&text, " driver");
    return Complain(attempt, Name, Error);
}

int CommandDriver(int Argc, wchar_t **Argv)
{
    const wchar_t *verb = NULL, *name = NULL, *path = NULL, *lease = NULL;
    const OPTION options[] = {
        {.Name = L"--lease", .Value = &lease},
        {.Name = NULL, .Value = &verb},
        {.Name = NULL, .Value = &name},
        {.Name = NULL, .Value = &path},
    };
    DWORD error;
    int code;

    if (!OptionsParse(Argc, Argv, options, ARRAYSIZE(options)) || name == NULL || !ServiceNameValid(name))
        return EXIT_USAGE;
    code = LeaseAdmit(lease, wcscmp(verb, L"status") != 0, "give orders to a driver");
    if (code != EXIT_DONE)
        return code;
    if (wcscmp(verb, L"install") == 0 && path != NULL)
        return Report(verb, name, Install(name, path));
    if (path != NULL)
        return EXIT_USAGE;
    if (wcscmp(verb, L"status") == 0)
        return Report(verb, name, ERROR_SUCCESS);
    if (wcscmp(verb, L"start") == 0)
        return Report(verb, name, DriverStart(name, START_TIMEOUT_MS));
    if (wcscmp(verb, L"stop") == 0)
        return Report(verb, name, DriverStop(name, STOP_TIMEOUT_MS));
    if (wcscmp(verb, L"remove") == 0) {
        error = DriverStop(name, STOP_TIMEOUT_MS);
        return Report(verb, name, error == ERROR_SUCCESS ? DriverRemove(name) : error);
    }
    return EXIT_USAGE;
}
