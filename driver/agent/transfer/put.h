/* put.h - files that come as frames. */
#pragma once

#include <windows.h>

/*
 * Receives files from standard input and answers on standard output: docs/protocol.md, "Transfer". Returns an
 * exit code; what went wrong has been told. Where all files are here already, it does not wait for FINISH
 * unless it is to.
 */
int PutFiles(BOOL AwaitFinish);
