/*
 * defects.h - the ways in which wsksample.sys can be built broken.
 *
 * A harness that never saw a failure proves nothing: built with -DWSKSAMPLE_DEFECT=<one of these>
 * the driver makes one mistake from the field, and the suites must notice. A defect is what is below, and
 * a few words where the mistake is made, which the compiler drops from every other build. Its comment ends
 * with the cases of which one has to catch it; `make mutants` reads that (docs/mutants.md).
 */
#pragma once

#define WSKSAMPLE_DEFECT_NONE 0

/* Loading and unloading */

/* DriverEntry ends with STATUS_INSUFFICIENT_RESOURCES (0xC000009A) after undoing what it had done.
 * Caught by deploy.start. */
#define WSKSAMPLE_DEFECT_ENTRY_FAILS 2
/* Unload never returns: stopping the service times out. Caught by deploy.stop (hang). */
#define WSKSAMPLE_DEFECT_UNLOAD_HANGS 3
/* A DriverEntry that fails does not undo what it had done. Caught by
 * lifecycle.start_failures. */
#define WSKSAMPLE_DEFECT_ENTRY_KEEPS 16
/* DriverEntry waits until its client has captured, however long that takes. Awaits
 * boot.entry_waits. */
#define WSKSAMPLE_DEFECT_ENTRY_WAITS 17
/* Each load of the driver leaves a block in pool. Caught by lifecycle.unload_clean. */
#define WSKSAMPLE_DEFECT_LEAKS_A_LOAD 18
/* Unload leaves registrations behind, whose block goes with the image. Caught by lifecycle.unload_waits;
 * lifecycle.* may hang. */
#define WSKSAMPLE_DEFECT_UNLOAD_KEEPS_REGISTRATION 41

/* Unload ends without its last word, as one does whose host goes down in it. Caught by deploy.stop. */
#define WSKSAMPLE_DEFECT_UNLOAD_CUT 45

/* The device */

/* A request's length is not compared with the number of its steps. Caught by device.length. */
#define WSKSAMPLE_DEFECT_LENGTH_UNCHECKED 39
/* A control code that nobody knows is answered with success. Caught by
 * device.unknown_code. */
#define WSKSAMPLE_DEFECT_CODE_TAKEN 40

/* The sample's own client */

/* The echo server leaves a socket open when it is stopped. Caught by lifecycle.late_activation
 * (hang); lifecycle.* may hang. */
#define WSKSAMPLE_DEFECT_LEAK_SOCKET 4
/* The worker keeps its capture for as long as it serves. Caught by lifecycle.worker_capture. */
#define WSKSAMPLE_DEFECT_KEEPS_NPI 20
/* The worker does not release its capture when it can't make its socket. Caught by
 * lifecycle.worker_no_memory (hang); lifecycle.worker_retries may hang. */
#define WSKSAMPLE_DEFECT_ERROR_KEEPS_NPI 21
/* The worker releases its capture twice. Caught by lifecycle.worker_balance. */
#define WSKSAMPLE_DEFECT_RELEASES_TWICE 22
/* The worker makes its socket through an NPI that it has released. Caught by lifecycle.worker_balance. */
#define WSKSAMPLE_DEFECT_USED_AFTER_RELEASE 23
/* The worker stays registered when it can't go on. Caught by lifecycle.worker_gives_up. */
#define WSKSAMPLE_DEFECT_KEEPS_REGISTRATION 24
/* Stopping deregisters, whoever has done so already. Caught by lifecycle.worker_gives_up. */
#define WSKSAMPLE_DEFECT_DEREGISTERS_TWICE 25
/* A guard whose operands are swapped: nobody ever claims the deregistration.
 * Caught by lifecycle.worker_balance; lifecycle.* may hang. */
#define WSKSAMPLE_DEFECT_GUARD_SWAPPED 26
/* Negotiation registers anew over a registration that is still there. Caught by
 * lifecycle.worker_negotiates. */
#define WSKSAMPLE_DEFECT_REGISTERS_OVER 27
/* A start that failed is never tried again. Caught by lifecycle.worker_retries. */
#define WSKSAMPLE_DEFECT_NEVER_RETRIED 28
/* The listening socket is closed twice. Caught by lifecycle.worker_balance. */
#define WSKSAMPLE_DEFECT_DOUBLE_CLOSE 29
/* An IRP is used again without IoReuseIrp. Caught by lifecycle.worker_balance. */
#define WSKSAMPLE_DEFECT_IRP_NOT_REUSED 30

/* Named clients, threads and sockets */

/* A release never calls WskReleaseProviderNPI, but says that it did: WskDeregister then never returns.
 * Caught by capture.no_wait (hang); registration.*, capture.* may hang. */
#define WSKSAMPLE_DEFECT_NO_RELEASE 1
/* A capture reports success, whatever WSK said. Caught by capture.nointerface. */
#define WSKSAMPLE_DEFECT_WRONG_STATUS 31
/* Captures are counted without the client's lock. Caught by capture.shared (hang); capture.memory,
 * capture.all_waiters_wake may hang. */
#define WSKSAMPLE_DEFECT_LOCK_MISSING 32
/* A registration in pool is not freed after its deregistration. Caught by registration.pool_block. */
#define WSKSAMPLE_DEFECT_LEAK_BLOCK 33
/* A thread's event is still set from its work before: the next wait for it ends at once. Caught by
 * capture.deregister_waits_one. */
#define WSKSAMPLE_DEFECT_STALE_EVENT 34
/* What a step takes from an earlier one is not what that has reported, and the driver goes by it. Caught by
 * negotiation.register_highest. */
#define WSKSAMPLE_DEFECT_TAKEN_WRONG 52
/* The IRP of an operation that was cancelled is not freed. Caught by sockets.close_pending_accept. */
#define WSKSAMPLE_DEFECT_LEAK_CANCELLED 35
/* A buffer's length goes beyond its MDL. Caught by sockets.loopback_echo. */
#define WSKSAMPLE_DEFECT_BEYOND_MDL 36
/* WskControlClient gets an IRP where it has to be NULL. Caught by sockets.transport_size. */
#define WSKSAMPLE_DEFECT_IRP_GIVEN 37
/* The accept event stays enabled when its callback wants no more. Caught by sockets.disable_event_pending. */
#define WSKSAMPLE_DEFECT_EVENT_LEFT_ENABLED 38

/* For the harness */

/* A fault of kind hang takes a minute, whatever was asked for: a request that does not come back. Shown by
 * wskharness selftest. */
#define WSKSAMPLE_DEFECT_OVERSTAYS 9
/* DriverEntry dwells (dwell.h), where it is asked to. Shown by wskharness selftest. */
#define WSKSAMPLE_DEFECT_DWELLS_IN_ENTRY 42
/* So does the driver when it tidies up after a case. Shown by wskharness selftest. */
#define WSKSAMPLE_DEFECT_DWELLS_IN_RESET 43
/* And so does Unload. Shown by wskharness selftest. */
#define WSKSAMPLE_DEFECT_DWELLS_IN_UNLOAD 44

#if !defined(WSKSAMPLE_DEFECT)
#define WSKSAMPLE_DEFECT WSKSAMPLE_DEFECT_NONE
#endif

#define DEFECT(Name) (WSKSAMPLE_DEFECT == WSKSAMPLE_DEFECT_##Name)

/* In the sample, a line of its own: a call or assignment that only a build with the defect has, or only it
 * lacks. */
#define MISTAKE(Name, ...)  (DEFECT(Name) ? (__VA_ARGS__, (VOID)0) : (VOID)0)
#define OMISSION(Name, ...) (DEFECT(Name) ? (VOID)0 : (__VA_ARGS__, (VOID)0))
