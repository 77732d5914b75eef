/*
 * defects.h - the ways in which this sample can be built broken.
 *
 * A harness that never saw a failure proves nothing: built with -DWSKSAMPLE_DEFECT=<one of these>
 * the driver makes one mistake from the field, and the suites must notice. A defect is one line here
 * and a few lines where the mistake is made: if (DEFECT(NAME)) ..., which the compiler drops from
 * every other build.
 */
#pragma once

#define WSKSAMPLE_DEFECT_NONE 0
/* A release never calls WskReleaseProviderNPI, but says that it did: WskDeregister then never returns. */
#define WSKSAMPLE_DEFECT_NO_RELEASE 1
/* DriverEntry ends with STATUS_INSUFFICIENT_RESOURCES (0xC000009A) after undoing what it had done. */
#define WSKSAMPLE_DEFECT_ENTRY_FAILS 2
/* Unload never returns: stopping the service times out. */
#define WSKSAMPLE_DEFECT_UNLOAD_HANGS 3
/* The echo server does not close its listening socket: WskDeregister waits for it, and memory is lost. */
#define WSKSAMPLE_DEFECT_LEAK_SOCKET 4

/* A fault of kind hang takes a minute, whatever was asked for: a request that does not come back. */
#define WSKSAMPLE_DEFECT_OVERSTAYS 9

/* Unload leaves registrations behind, whose block goes with the image. */
#define WSKSAMPLE_DEFECT_UNLOAD_KEEPS_REGISTRATION 20
/* A DriverEntry that fails does not undo what it had done. */
#define WSKSAMPLE_DEFECT_ENTRY_LEAVES_BEHIND 21

#if !defined(WSKSAMPLE_DEFECT)
#define WSKSAMPLE_DEFECT WSKSAMPLE_DEFECT_NONE
#endif

#define DEFECT(Name) (WSKSAMPLE_DEFECT == WSKSAMPLE_DEFECT_##Name)
