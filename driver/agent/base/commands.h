/*
 * commands.h - the commands of wskagent.exe. Each takes the arguments behind its name and returns the
 * process's exit code; EXIT_USAGE makes main print the command's usage line.
 */
#pragma once

#include <windows.h>

typedef int COMMAND(int Argc, wchar_t **Argv);

COMMAND CommandInfo;
COMMAND CommandPut;
COMMAND CommandStripe;
COMMAND CommandGet;
COMMAND CommandList;
COMMAND CommandGather;
COMMAND CommandMkdir;
COMMAND CommandRun;
COMMAND CommandTail;
COMMAND CommandCancel;
COMMAND CommandKill;
COMMAND CommandState;
COMMAND CommandRenew;
COMMAND CommandRelease;
COMMAND CommandLeft;
COMMAND CommandRemove;
COMMAND CommandFill;
COMMAND CommandClock;
COMMAND CommandService;
COMMAND CommandEcho;
COMMAND CommandVersion;

/* What `info` and run-start report; docs/protocol.md. Goes up when a command changes its meaning. */
#define AGENT_VERSION 1u
