/* request.h - the MANIFEST with which `put`, `gather` and `mkdir` begin. */
#pragma once

#include "frame.h"
#include "manifest.h"

/*
 * Reads one MANIFEST frame from In, by way of Frame. On an error it sends ERROR to Out, complains, and
 * returns EXIT_FAILED. Manifest is to be freed by ManifestFree in either case.
 */
int RequestReceive(MANIFEST *Manifest, HANDLE In, HANDLE Out, FRAME *Frame);

/* A command that takes no arguments and such a list, which Serve does something about: What says what. */
int RequestServe(const char *What, int Argc,
                 int (*Serve)(const MANIFEST *Manifest, HANDLE Out, FRAME *Frame));
