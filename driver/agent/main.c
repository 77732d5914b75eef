/*
 * main.c - wskagent.exe: the one program that the harness runs in a guest.
 *
 * It finds out what the machine is, moves files, installs and starts the driver under test, and runs a
 * compiled plan against it, detached from whoever asked, with a journal that outlives everything but
 * the disk. docs/protocol.md is the contract; every command is one row below.
 *
 * Its folders, each of which includes headers only of itself and of those above it (and of ../shared):
 *     base      text, JSON, paths, files, digests, options, complaints, journals: nothing of a machine
 *     faults    the faults that are injected into the guest, and undone
 *     machine   the guest: its facts, services, drivers, devices, programs; who has it, and what is undone
 *     transfer  files to the guest, and from it
 *     steps     a plan, and what executes the steps in it that are the agent's
 *     run       a run of a plan, from its start to its last record, and the orders that it is given
 */
#include "commands.h"
#include "complain.h"

#include <wchar.h>

typedef struct COMMAND_ENTRY {
    const wchar_t *Name;
    COMMAND *Run;
    const char *Usage;
} COMMAND_ENTRY;

static const COMMAND_ENTRY Commands[] = {
    {L"info", CommandInfo, "info [--lease OWNER]"},
    {L"put", CommandPut, "put [--lease N] < frames"},
    {L"stripe", CommandStripe, "stripe --size N --from OFFSET --chunk BYTES --sha256 HEX PATH < frames"},
    {L"get", CommandGet, "get [--offset N] [--length M] PATH"},
    {L"list", CommandList, "list [--itself] PATH"},
    {L"gather", CommandGather, "gather < frame"},
    {L"mkdir", CommandMkdir, "mkdir < frame"},
    {L"run", CommandRun, "run [--put] --plan PLAN --journal JOURNAL [--lease N] [--follow] [< frames]"},
    {L"tail", CommandTail, "tail --journal JOURNAL [--from OFFSET] [--follow]"},
    {L"cancel", CommandCancel, "cancel --journal JOURNAL [--lease N]"},
    {L"kill", CommandKill, "kill --journal JOURNAL [--lease N]"},
    {L"state", CommandState, "state [--journal JOURNAL] [--lease N] DRIVER"},
    {L"renew", CommandRenew, "renew --lease N"},
    {L"release", CommandRelease, "release --lease N"},
    {L"left", CommandLeft, "left [--driver NAME] [--certificate SHA1]"},
    {L"remove", CommandRemove,
     "remove --kind service|device|file|certificate [--driver NAME] [--lease N] NAME"},
    {L"fill", CommandFill, "fill --most BYTES --for MS (until its input ends)"},
    {L"clock", CommandClock, "clock --ahead SECONDS --for MS (until its input ends)"},
    {L"service", CommandService, "service --plan PLAN --journal JOURNAL --lease N (started by run)"},
    {L"echo", CommandEcho, "echo --port N --bytes N --connections N"},
    {L"version", CommandVersion, "version"},
};

static int ComplainUsage(const COMMAND_ENTRY *Entry)
{
    char buffer[2048];
    TEXT text;

    TextInit(&text, buffer, sizeof buffer);
    if (Entry != NULL) {
        TextAdd(&text, "usage: wskagent ");
        TextAdd(&text, Entry->Usage);
    } else {
        TextAdd(&text, "no such command; commands:");
        for (size_t i = 0; i < ARRAYSIZE(Commands); i++) {
            TextAdd(&text, i == 0 ? " " : ", ");
            TextAddWide(&text, Commands[i].Name);
        }
    }
    (void)ComplainText("read the command line", NULL, text.Data);
    return EXIT_USAGE;
}

int wmain(int argc, wchar_t **argv)
{
    for (size_t i = 0; argc >= 2 && i < ARRAYSIZE(Commands); i++) {
        if (wcscmp(argv[1], Commands[i].Name) == 0) {
            int code = Commands[i].Run(argc - 2, argv + 2);

            return code == EXIT_USAGE ? ComplainUsage(&Commands[i]) : code;
        }
    }
    return ComplainUsage(NULL);
}
