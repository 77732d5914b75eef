/*
 * state.c - `state`: what can still be told while a run hangs, by a process of its own and through a
 * handle of its own: what became of the run, and what the driver says is under way in it.
 */
#include "commands.h"
#include "complain.h"
#include "device.h"
#include "driver.h"
#include "journal.h"
#include "lease.h"
#include "options.h"
#include "path.h"
#include "space.h"
#include "stream.h"

#include <stdlib.h>

/* An answer needs no more than to be scheduled. */
#define STATE_OPEN_MS 5000u
#define STATE_ASK_MS  5000u

#define STATE_BYTES (32u * 1024u)

static const char *RunState(const wchar_t *Path)
{
    JOURNAL_STATE state;
    DWORD error = JournalLookAt(Path, &state);

    if (error != ERROR_SUCCESS)
        return state == JOURNAL_ABSENT ? "absent" : "unreadable";
    return state == JOURNAL_RUNNING ? "running" : state == JOURNAL_ENDED ? "ended" : "gone";
}

static DWORD AskStatus(WSKT_STATUS *Status)
{
    DEVICE *device;
    DWORD returned = 0;
    DWORD error = DeviceOpen(&device, STATE_OPEN_MS);

    if (error == ERROR_SUCCESS)
        error =
            DeviceCall(device, IOCTL_WSKT_STATUS, NULL, 0, Status, sizeof *Status, &returned, STATE_ASK_MS);
    if (error == ERROR_SUCCESS &&
        (returned != sizeof *Status || Status->Abi != WSKT_ABI || Status->Listed > WSKT_MAX_INFLIGHT))
        error = ERROR_REVISION_MISMATCH;
    DeviceClose(device);
    return error;
}

static void AddInflight(TEXT *Text, const WSKT_INFLIGHT *What)
{
    if (Text->Data[Text->Length - 1] != '[')
        TextAdd(Text, ",");
    JsonBegin(Text);
    JsonU64(Text, "kind", What->Kind);
    JsonU64(Text, "op", What->Op);
    JsonU64(Text, "context", What->Context);
    JsonU64(Text, "named", What->Named);
    JsonU64(Text, "case", What->Case);
    JsonU64(Text, "step", What->Step);
    JsonU64(Text, "runner", What->Runner);
    JsonU64(Text, "iteration", What->Iteration);
    JsonU64(Text, "thread", What->Thread);
    JsonU64(Text, "ns", What->ElapsedNs);
    JsonEnd(Text);
}

static void AddStatus(TEXT *Text, const WSKT_STATUS *Status)
{
    const WSKT_RESIDUE *left = &Status->Outstanding;

    JsonU64(Text, "steps", Status->Steps);
    JsonU64(Text, "irps", Status->Irps);
    JsonBeginArray(Text, "outstanding");
    JsonU64(Text, NULL, left->Registrations);
    JsonU64(Text, NULL, left->Captures);
    JsonU64(Text, NULL, left->Threads);
    JsonU64(Text, NULL, left->PoolBlocks);
    JsonU64(Text, NULL, left->Sockets);
    JsonU64(Text, NULL, left->Irps);
    JsonEndArray(Text);
    JsonBeginArray(Text, "inflight");
    for (UINT32 i = 0; i < Status->Listed; i++)
        AddInflight(Text, &Status->Inflight[i]);
    JsonEndArray(Text);
}

static DWORD PrintState(const wchar_t *Driver, const wchar_t *Journal, TEXT *Text)
{
    SERVICE_REPORT report = {.State = SERVICE_ABSENT};
    WSKT_STATUS status;
    UINT64 available;
    DWORD queried = DriverQuery(Driver, &report);
    DWORD error = AskStatus(&status);

    JsonBegin(Text);
    if (Journal != NULL)
        JsonString(Text, "run", RunState(Journal));
    if (Journal != NULL && SpaceFree(Journal, &available) == ERROR_SUCCESS)
        JsonU64(Text, "freeBytes", available);
    JsonString(Text, "driver", queried == ERROR_SUCCESS ? ServiceStateName(report.State) : "unknown");
    JsonU64(Text, "win32", error);
    if (error == ERROR_SUCCESS)
        AddStatus(Text, &status);
    JsonEnd(Text);
    TextAdd(Text, "\n");
    return Text->Full ? ERROR_BUFFER_OVERFLOW
                      : WriteFully(GetStdHandle(STD_OUTPUT_HANDLE), Text->Data, Text->Length);
}

int CommandState(int Argc, wchar_t **Argv)
{
    const wchar_t *journal = NULL, *driver = NULL, *lease = NULL;
    const OPTION options[] = {
        {.Name = L"--journal", .Value = &journal},
        {.Name = L"--lease", .Value = &lease},
        {.Name = NULL, .Value = &driver},
    };
    wchar_t *path = NULL;
    char *buffer;
    TEXT text;
    DWORD error;
    int code;

    if (!OptionsParse(Argc, Argv, options, ARRAYSIZE(options)) || driver == NULL || !ServiceNameValid(driver))
        return EXIT_USAGE;
    code = LeaseAdmit(lease, "tell the state");
    if (code != EXIT_DONE)
        return code;
    if (journal != NULL) {
        path = PathOpen(journal, &error);
        if (path == NULL)
            return Complain("open the journal", journal, error);
    }
    error = ERROR_NOT_ENOUGH_MEMORY;
    buffer = malloc(STATE_BYTES);
    if (buffer != NULL) {
        TextInit(&text, buffer, STATE_BYTES);
        error = PrintState(driver, path, &text);
    }
    free(buffer);
    free(path);
    return error == ERROR_SUCCESS ? EXIT_DONE : Complain("tell the state of", driver, error);
}
