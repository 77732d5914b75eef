/*
 * wskabi.h - what wsksample.sys and wskagent.exe say to each other.
 *
 * The driver offers primitives; a suite strings them together. One IOCTL carries a batch: a short
 * list of steps, run in order, possibly many times and on many threads. All structures are
 * little-endian, naturally aligned, without pointers, and the same in user mode, in kernel mode
 * and in the plan file (wskplan.h). Change one and WSKT_ABI must change with it. Package
 * driver/abi is generated from both headers (go generate ./driver/abi).
 *
 * Basis: WSK's own status values are reported untouched in WSKT_RESULT.Status. Whatever the driver
 * refuses by itself (a bad index, a release without a capture) is marked by Origin, so that a
 * refusal of the harness can never be mistaken for an answer of WSK.
 */
#pragma once

#if defined(WSKT_KERNEL)
#include <ntddk.h>
#else
#include <windows.h>
#include <winioctl.h>
#endif

#define WSKT_ABI 4u

#define WSKT_DEVICE_NT   L"\\Device\\WskSample"
#define WSKT_DEVICE_DOS  L"\\DosDevices\\WskSample"
#define WSKT_DEVICE_USER L"\\\\.\\WskSample"

#define WSKT_MAX_CLIENTS  64u  /* named clients; a parallel thread t uses client + t * ClientStride */
#define WSKT_MAX_THREADS  16u  /* named kernel threads */
#define WSKT_MAX_SOCKETS  128u /* named sockets; a parallel thread t uses socket + t * SocketStride */
#define WSKT_MAX_PARALLEL 64u
#define WSKT_MAX_STEPS    64u /* in one batch */
#define WSKT_MAX_EXPECT   4u
#define WSKT_MAX_ARGS     6u
#define WSKT_MAX_VALUES   10u
#define WSKT_MAX_CHECKS   6u
#define WSKT_MAX_KEPT     16u      /* steps of a case whose values later ones take */
#define WSKT_MAX_WAIT_MS  120000u  /* longest bound that a step may ask for */
#define WSKT_MAX_BATCH_MS 3600000u /* and a batch: a loop may run for long */

#define WSKT_MAX_INFLIGHT 64u /* that STATUS lists */

/* Operations: WSKT_STEP.Op. Client operations take the client's index in Arg[0]. */
enum {
    WSKT_OP_NONE = 0,
    WSKT_OP_REGISTER = 1,   /* client, version (major << 8 | minor), WSKT_REG_* flags, Reserved */
    WSKT_OP_DEREGISTER = 2, /* client */
    WSKT_OP_CAPTURE = 3,    /* client, wait in ms (0 none, 0xFFFFFFFF infinite) */
    WSKT_OP_RELEASE = 4,    /* client, ms: 0, or a worker does it so much later, and the step does not wait */
    WSKT_OP_QUERY = 5,      /* client: WskQueryProviderCharacteristics */
    WSKT_OP_INSPECT = 6,    /* client: what is captured now */
    WSKT_OP_COMPARE = 7,    /* client, other client: are the captured pointers the same? */
    WSKT_OP_BLOCKED = 8,    /* thread, ms: STATUS_TIMEOUT while its operation has not returned */
    WSKT_OP_JOIN = 9,       /* thread, ms: status of its operation; origin TIMEOUT if not back */
    WSKT_OP_SLEEP = 10,     /* ms */
    WSKT_OP_MEMORY = 11,    /* 1 to set the mark, 0 to measure against it */
    WSKT_OP_ACTIVATE = 12,  /* the sample's own sub-component: register, capture on the worker */
    WSKT_OP_DEACTIVATE = 13,
    WSKT_OP_STATE = 14, /* ms to wait for the sample to settle (listening, failed or inactive) */
    WSKT_OP_FAULT = 15, /* WSKT_FAULT_*, then its arguments; only with WSKT_STEP_MISUSE */

    /*
     * Sockets. A socket's index is in Arg[0], but where a client is; WSKT_SOCKET_* in Arg[4], and in
     * Arg[5] how many milliseconds to wait for the IRP.
     */
    WSKT_OP_SOCKET = 20, /* client, socket, WSK_FLAG_* | (event's socket + 1) << 8, family | type << 16 |
                            protocol << 32 */
    WSKT_OP_SOCKET_CONNECT = 21, /* client, socket, the bound socket to connect to */
    WSKT_OP_BIND = 22,           /* to the loopback address */
    WSKT_OP_CONNECT = 23,        /* socket, the bound socket to connect to */
    WSKT_OP_ACCEPT = 24,         /* socket, name for the accepted one */
    WSKT_OP_SEND = 25,           /* socket, bytes, first byte of the pattern | WSK_BUF.Offset << 8 */
    WSKT_OP_RECEIVE = 26,        /* likewise: bytes is the size of the buffer */
    WSKT_OP_SEND_TO = 27,        /* and the bound socket to send to */
    WSKT_OP_RECEIVE_FROM = 28,
    WSKT_OP_DISCONNECT = 29,
    WSKT_OP_CLOSE = 30,
    WSKT_OP_ADDRESS = 31,
    WSKT_OP_CONTROL_SOCKET = 32, /* socket, mask of WSK_EVENT_* */
    WSKT_OP_CONTROL_CLIENT = 33, /* client, control code, size of the output, or the value to set */
    WSKT_OP_AWAIT = 34,          /* the oldest operation of the socket (or client) that is not waited for */
    WSKT_OP_CANCEL = 35,         /* IoCancelIrp for the oldest operation of the socket (or client) */
    WSKT_OP_EVENTS = 36,         /* socket, calls of its event callback to wait for */

    /* Of a provider that can be controlled (wskcontrol.h); refused with STATUS_NOT_SUPPORTED elsewhere. */
    WSKT_OP_PROVIDER = 40, /* WSKT_PROVIDER_* readiness, ms, lowest version, highest (0: both stay),
                              WSKT_PROVIDER_* of memory for sockets */
    WSKT_OP_PROVIDER_STATE = 41,
};

/* Where a step runs: WSKT_STEP.Context. */
enum {
    WSKT_CONTEXT_CALLER = 0, /* on the thread that runs the batch's list */
    WSKT_CONTEXT_GUARD = 1,  /* on a thread that the driver can wait for with a limit */
    WSKT_CONTEXT_SPIN = 2,   /* DISPATCH_LEVEL, under a spin lock */
    WSKT_CONTEXT_DPC = 3,    /* DISPATCH_LEVEL, in a deferred procedure call */
};

/* WSKT_STEP.Flags */
#define WSKT_STEP_RECORD 0x1u /* note the status, whatever it is */
#define WSKT_STEP_MISUSE 0x2u /* do it even though the documentation forbids it */
#define WSKT_STEP_YIELD  0x4u /* where the driver refuses it, it has not run, and the list ends */

/* WSKT_OP_REGISTER, Arg[2] */
#define WSKT_REG_EVENT_CALLBACK 0x01u /* non-NULL WskClientEvent, which counts its calls */
#define WSKT_REG_CONTEXT        0x02u /* non-NULL ClientContext */
#define WSKT_REG_STACK_NPI      0x04u /* WSK_CLIENT_NPI on the stack, overwritten after the call */
#define WSKT_REG_FILLED_BLOCK   0x08u /* registration block filled with 0xAA before the call … */
#define WSKT_REG_POOL_BLOCK     0x10u /* block and dispatch in nonpaged pool, freed after deregister */
#define WSKT_REG_NULL_DISPATCH  0x20u /* misuse */
#define WSKT_REG_ZEROED_BLOCK   0x40u /* … or zeroed; with neither it stays as WskDeregister left it */
#define WSKT_REG_OPTIONS        0x7Fu

/* WSKT_OP_FAULT, Arg[0] */
#define WSKT_FAULT_WRITE    1u /* write to address Arg[1] */
#define WSKT_FAULT_BUGCHECK 2u /* KeBugCheckEx(Arg[1], Arg[2] .. Arg[5]) */
#define WSKT_FAULT_HANG     3u /* never return before Arg[1] ms have passed */

/* Socket operations, Arg[4] */
#define WSKT_SOCKET_NULL_IRP      0x001u
#define WSKT_SOCKET_NULL_CLIENT   0x002u /* the IRP is not waited for: nothing says that it completes */
#define WSKT_SOCKET_PENDING       0x004u /* return without waiting for the IRP; AWAIT does */
#define WSKT_SOCKET_EVENT_ACCEPT  0x008u /* WskAcceptEvent accepts into the event's socket */
#define WSKT_SOCKET_EVENT_REJECT  0x010u /* it returns STATUS_REQUEST_NOT_ACCEPTED */
#define WSKT_SOCKET_EVENT_DISABLE 0x020u /* it disables itself with a NULL IRP, then rejects */
#define WSKT_SOCKET_ABORTIVE      0x040u /* DISCONNECT */
#define WSKT_SOCKET_REMOTE        0x080u /* ADDRESS: the peer's */
#define WSKT_SOCKET_RETRY         0x100u /* LIST_QUERY: ask for the size first, again while it grows */
#define WSKT_SOCKET_CLIENT        0x200u /* AWAIT, CANCEL: Arg[0] is a client */
#define WSKT_SOCKET_NO_ADDRESSES  0x400u /* ACCEPT: with NULL for both addresses */
#define WSKT_SOCKET_OPTIONS       0x7FFu
#define WSKT_SOCKET_BYTES         4096u /* largest buffer */

/* WSKT_OP_PROVIDER, Arg[0] */
#define WSKT_PROVIDER_LEAVE     0u /* readiness stays as it is */
#define WSKT_PROVIDER_READY     1u
#define WSKT_PROVIDER_NOT_READY 2u
#define WSKT_PROVIDER_AFTER     3u /* not ready now, but Arg[1] ms from now */

/* WSKT_RESULT.Origin */
enum {
    WSKT_ORIGIN_CALL = 0,    /* Status is what the call (or check) returned */
    WSKT_ORIGIN_REFUSED = 1, /* the driver refused the step: WSK was not called */
    WSKT_ORIGIN_TIMEOUT = 2, /* the call did not return within TimeoutMs; it is still out there */
    WSKT_ORIGIN_ASYNC = 3,   /* queued on a named thread; Status is STATUS_PENDING */
    WSKT_ORIGIN_SKIPPED = 4, /* an earlier step of the batch ended it */
};

/*
 * Meaning of WSKT_RESULT.Value by operation. Pointers are never handed out: where identity
 * matters, Value says whether two of them are the same.
 */
enum { WSKT_V_REGISTER_EVENTS = 0, WSKT_V_REGISTER_VERSION = 1 }; /* what the client asked for */
enum {
    WSKT_V_DEREGISTER_CAPTURES = 0,   /* that nobody had begun to release when it returned */
    WSKT_V_DEREGISTER_TABLE_KEPT = 1, /* the client's dispatch table is as the client filled it in */
};
enum { /* CAPTURE, INSPECT, RELEASE */
       WSKT_V_NPI_VERSION = 0,
       WSKT_V_NPI_RESERVED = 1,
       WSKT_V_NPI_CLIENT_SET = 2,   /* Client is non-NULL */
       WSKT_V_NPI_DISPATCH_SET = 3, /* Dispatch is non-NULL */
       WSKT_V_NPI_SLOTS = 4,        /* bit n: function n of WSK_PROVIDER_DISPATCH is non-NULL */
       WSKT_V_NPI_CAPTURES = 5,     /* captures of this client not yet released */
       WSKT_V_NPI_SAME_CLIENT = 6,  /* Client equals that of this client's capture before; 1 for the first */
       WSKT_V_NPI_SAME_DISPATCH = 7,
       WSKT_V_NPI_EVENTS = 8, /* calls of WskClientEvent so far */
};
enum {
    WSKT_V_QUERY_LOW = 0,
    WSKT_V_QUERY_HIGH = 1,
    WSKT_V_QUERY_BETWEEN = 2, /* a version that is neither, where there is one; else the highest */
    WSKT_V_QUERY_BELOW = 3,   /* the version before the lowest; where there is none, the last one of all */
    WSKT_V_QUERY_ABOVE = 4,   /* the version after the highest; where there is none, 0.0 */
};
enum { WSKT_V_COMPARE_SAME_CLIENT = 0, WSKT_V_COMPARE_SAME_DISPATCH = 1 };
enum { WSKT_V_THREAD_STATUS = 0, WSKT_V_THREAD_DONE = 1, WSKT_V_THREAD_NS = 2 }; /* BLOCKED, JOIN */
enum { WSKT_V_MEMORY_BYTES = 0, WSKT_V_MEMORY_GROWTH = 1 }; /* growth since the mark; 0 if it shrank */
enum {                                                      /* STATE, ACTIVATE, DEACTIVATE */
       WSKT_V_STATE_PHASE = 0,                              /* WSKT_PHASE_* */
       WSKT_V_STATE_STATUS = 1,                             /* why it failed, or STATUS_SUCCESS */
       WSKT_V_STATE_VERSION = 2,                            /* WSK version it runs with */
       WSKT_V_STATE_NEGOTIATED = 3, /* 1 if it had to register again within the provider's range */
       WSKT_V_STATE_PORT = 4,       /* TCP port of the echo server, 0 when not listening */
       WSKT_V_STATE_ACCEPTED = 5,
       WSKT_V_STATE_OPEN = 6,        /* sockets open now, the listener included */
       WSKT_V_STATE_BYTES = 7,       /* echoed, or on their way back */
       WSKT_V_STATE_NPI_HELD = 8,    /* 1 while the sample itself holds a capture */
       WSKT_V_STATE_ALLOCATIONS = 9, /* pool blocks of the driver not yet freed */
};
enum { /* socket operations; Status is the IRP's, or the call's where the IRP has not completed */
       WSKT_V_SOCKET_CALL = 0,        /* what the call returned */
       WSKT_V_SOCKET_IRP = 1,         /* the IRP's status, STATUS_PENDING while it has not completed */
       WSKT_V_SOCKET_COMPLETED = 2,   /* 1: the IRP has completed; 2: more often than once */
       WSKT_V_SOCKET_INFORMATION = 3, /* the IRP's; 1 where it is a pointer */
       WSKT_V_SOCKET_OUTPUT = 4,      /* OutputSizeReturned */
       WSKT_V_SOCKET_PORT = 5,        /* of an address, host byte order */
       WSKT_V_SOCKET_MATCH = 6,       /* 1: the bytes received are those of the pattern */
       WSKT_V_SOCKET_TRANSPORTS = 7,  /* bit 0: a stream transport (TCP), bit 1: a datagram transport (UDP) */
       WSKT_V_SOCKET_EVENTS = 8,      /* calls of the socket's event callback so far */
       WSKT_V_SOCKET_DISABLED = 9, /* what WskControlSocket returned to the callback that disabled itself */
};
enum {
    WSKT_PHASE_INACTIVE = 0,
    WSKT_PHASE_STARTING = 1,
    WSKT_PHASE_LISTENING = 2,
    WSKT_PHASE_FAILED = 3,
    WSKT_PHASE_STOPPING = 4,
};

enum { /* PROVIDER_STATE: live things as they are, calls since the last tidying up */
       WSKT_V_PROVIDER_REGISTRATIONS = 0,
       WSKT_V_PROVIDER_CAPTURES = 1,
       WSKT_V_PROVIDER_WAITERS = 2, /* captures that wait */
       WSKT_V_PROVIDER_SOCKETS = 3,
       WSKT_V_PROVIDER_BUSY = 4,       /* calls of the client object and their IRPs in progress */
       WSKT_V_PROVIDER_MISMATCHED = 5, /* releases and deregistrations of what was not there */
       WSKT_V_PROVIDER_REGISTER_CALLS = 6,
       WSKT_V_PROVIDER_DEREGISTER_CALLS = 7,
       WSKT_V_PROVIDER_CAPTURE_CALLS = 8,
       WSKT_V_PROVIDER_RELEASE_CALLS = 9,
};

/* WSKT_CHECK.Value beyond the WSKT_RESULT.Value indices */
#define WSKT_VALUE_ELAPSED_NS 100u
#define WSKT_VALUE_MAX_NS     101u

/* WSKT_CHECK.Compare */
enum {
    WSKT_EQ = 1,
    WSKT_NE = 2,
    WSKT_GE = 3,
    WSKT_LE = 4,
    WSKT_HAS = 5, /* all bits of Want are set */
};

/*
 * A value that an earlier step of the case reported, in place of a number that the plan has: WSKT_STEP.From,
 * WSKT_CHECK.From. Kept is that step's WSKT_STEP.Keep, from 1 on, so that 0 is none.
 */
#define WSKT_FROM(Kept, Value) ((UINT16)((Kept) << 8 | (Value)))
#define WSKT_FROM_KEPT(From)   ((UINT32)(From) >> 8)
#define WSKT_FROM_VALUE(From)  ((UINT32)(0xFFu & (From)))

/* A demand on what a step reports: of every run of it, as it goes. */
typedef struct WSKT_CHECK {
    UINT16 Value;
    UINT16 Compare;
    UINT16 From; /* not 0: what Want is taken from */
    UINT16 Reserved;
    UINT64 Want;
} WSKT_CHECK;

typedef struct WSKT_STEP {
    UINT32 Op;
    UINT16 Context;
    UINT16 Thread; /* 0: wait for it; n: start it on named kernel thread n - 1 and go on */
    UINT32 TimeoutMs;
    UINT32 Flags;
    UINT16 ExpectCount; /* 0 means STATUS_SUCCESS (STATUS_PENDING with a Thread) */
    UINT16 NextCount;   /* so many of Expect, the last ones, end the list: the thread goes on to its next */
    UINT32 Expect[WSKT_MAX_EXPECT];
    UINT16 Group;  /* in a batch with Groups: which one the step is of; groups are in order */
    UINT16 Weight; /* of the first step of a group: how often that is chosen, beside the others; at least 1 */
    UINT64 Arg[WSKT_MAX_ARGS];
    UINT16 CheckCount;
    UINT16 Keep; /* n: what it reports is kept for later steps, as n; a step that runs once, on one thread */
    UINT16 From; /* not 0: what Arg[FromArg] is taken from, when the step runs */
    UINT16 FromArg;
    WSKT_CHECK Check[WSKT_MAX_CHECKS];
} WSKT_STEP; /* 192 bytes */

typedef struct WSKT_BATCH {
    UINT32 Abi;
    UINT32 StepCount;
    UINT32 Repeat;       /* how often each thread runs the list, at least 1 */
    UINT32 Parallel;     /* 1: on the calling thread; n: on n kernel threads side by side */
    UINT32 ClientStride; /* thread t adds t * ClientStride to every client index */
    UINT32 SocketStride; /* likewise to every socket index */
    UINT32 TimeoutMs;    /* for the whole batch */
    UINT32 ForMs;        /* not 0: threads begin no other list after this time, whatever Repeat says */
    UINT32 Groups;       /* not 0: each list is one of the Groups groups of steps, chosen at random */
    UINT32 Seed;         /* of that choice */
    UINT32 Case;         /* only told again by STATUS: which case it is of … */
    UINT32 FirstStep;    /* … and the place of the first step in it */
    WSKT_STEP Step[1];   /* StepCount of them */
} WSKT_BATCH;

typedef struct WSKT_RESULT {
    UINT32 Status; /* NTSTATUS: of the first run of this step that was not as expected, else of the last */
    UINT32 Origin;
    UINT32 Executed; /* how often it ran */
    UINT32 Reserved;
    UINT64 ElapsedNs; /* of the run that Status belongs to */
    UINT64 MaxNs;
    UINT64 P50Ns; /* half of the runs took no longer; within an eighth, and 0 for a step that ran once */
    UINT64 P95Ns;
    UINT64 P99Ns;
    UINT64 Value[WSKT_MAX_VALUES];
} WSKT_RESULT; /* 136 bytes */

typedef struct WSKT_BATCH_RESULT {
    UINT32 Abi;
    UINT32 StepCount;
    UINT32 Completed; /* threads that finished all their repetitions as expected */
    INT32 FailedStep; /* -1: every step was as expected */
    UINT32 FailedThread;
    UINT32 FailedIteration; /* of that thread, from 0 */
    WSKT_RESULT Result[1];  /* StepCount of them */
} WSKT_BATCH_RESULT;

/* What a case has left behind: counted before and after the driver tidied up. */
typedef struct WSKT_RESIDUE {
    UINT32 Registrations;
    UINT32 Captures;
    UINT32 Threads; /* named or guard threads with an operation that has not returned */
    UINT32 PoolBlocks;
    UINT32 Sockets;
    UINT32 Irps; /* of socket operations, that have not completed */
} WSKT_RESIDUE;

typedef struct WSKT_RESET_IN {
    UINT32 Abi;
    UINT32 TimeoutMs;
} WSKT_RESET_IN;

typedef struct WSKT_RESET_OUT {
    WSKT_RESIDUE Before;
    WSKT_RESIDUE After; /* anything but zero: the driver can't be unloaded safely */
} WSKT_RESET_OUT;

/* WSKT_INFLIGHT.Kind */
enum {
    WSKT_INFLIGHT_STEP = 1, /* a thread is in the operation of a step */
    WSKT_INFLIGHT_IRP = 2,  /* an IRP of a socket operation that is not done with */
};

/* Something that is under way. */
typedef struct WSKT_INFLIGHT {
    UINT32 Kind;
    UINT32 Op;        /* WSKT_OP_* */
    UINT32 Context;   /* WSKT_CONTEXT_* */
    UINT32 Named;     /* n: on named kernel thread n - 1; 0: on none */
    UINT32 Case;      /* of the batch */
    UINT32 Step;      /* index in the case */
    UINT32 Runner;    /* which of the batch's parallel threads, from 0 … */
    UINT32 Iteration; /* … and in which repetition, from 0 */
    UINT64 Thread;    /* the kernel's id of the thread that it is on, or was begun on */
    UINT64 ElapsedNs; /* since it began */
} WSKT_INFLIGHT;      /* 48 bytes */

/* What is under way and outstanding now, read without a lock: the counts may be a moment apart. */
typedef struct WSKT_STATUS {
    UINT32 Abi;
    UINT32 Listed; /* of the inflight operations below */
    UINT32 Steps;  /* all that there are */
    UINT32 Irps;
    WSKT_RESIDUE Outstanding;
    WSKT_INFLIGHT Inflight[WSKT_MAX_INFLIGHT]; /* the oldest, in the order of their age */
} WSKT_STATUS;

typedef struct WSKT_HELLO {
    UINT32 Abi;
    UINT32 Injected;  /* 1: the failure that WSKT_FAIL_AT_VALUE asked for was made */
    UINT64 ImageBase; /* for the module offset of a fault address */
    UINT32 ImageSize;
    UINT32 MaxClients;
} WSKT_HELLO;

#define WSKT_CTL(n)      CTL_CODE(0x8000u, 0x800u + (n), METHOD_BUFFERED, FILE_READ_DATA | FILE_WRITE_DATA)
#define IOCTL_WSKT_HELLO WSKT_CTL(0) /* out: WSKT_HELLO */
#define IOCTL_WSKT_RUN   WSKT_CTL(1) /* in: WSKT_BATCH; out: WSKT_BATCH_RESULT */
#define IOCTL_WSKT_RESET WSKT_CTL(2) /* in: WSKT_RESET_IN; out: WSKT_RESET_OUT */
/* ends loops, until the next RESET or HELLO */
#define IOCTL_WSKT_STOP WSKT_CTL(3)
/* out: WSKT_BATCH_RESULT of WSKT_START_STEPS_VALUE; refused where DriverEntry was given none. */
#define IOCTL_WSKT_STARTED WSKT_CTL(4)
/* out: WSKT_STATUS. Changes nothing, waits for nothing and takes no lock: answers beside a batch that hangs.
 */
#define IOCTL_WSKT_STATUS WSKT_CTL(5)

/*
 * A driver whose DriverEntry fails leaves the status here (REG_DWORD, under its service key), since
 * the service manager passes on no more than a Win32 error that several statuses share.
 */
#define WSKT_ENTRY_STATUS_VALUE L"EntryStatus"
/* REG_DWORD under the service key: 1 makes DriverEntry activate the sub-component itself. */
#define WSKT_ACTIVATE_VALUE L"ActivateOnStart"

/*
 * What else a start is given, under the service key. The driver removes both before it acts on them: they
 * are for one start, and a machine that crashes on them must not do so at every boot.
 */
#define WSKT_START_STEPS_VALUE L"StartSteps" /* REG_BINARY: a WSKT_BATCH that DriverEntry runs */
/*
 * REG_DWORD n: of the calls that can fail while the driver starts (allocations, threads, the device, those
 * of WSK), the n-th fails with STATUS_INSUFFICIENT_RESOURCES without being made.
 */
#define WSKT_FAIL_AT_VALUE L"FailAtStart"

/* What the driver leaves there when it goes (REG_BINARY): in Unload, or after a DriverEntry that failed. */
#define WSKT_UNLOAD_VALUE L"Unloaded"

typedef struct WSKT_UNLOAD {
    UINT32 Abi;
    UINT32 Deregistrations; /* that were left to Unload */
    UINT32 Blocks;          /* of pool, IRPs and MDLs included, that were never freed */
    UINT32 Sockets;         /* that were never closed */
    UINT32 Calls;           /* threads and DPCs that were still at work */
    UINT32 Early;           /* of the deregistrations: while the client still held a capture */
    UINT64 DeregisterNs;    /* the longest of them */
} WSKT_UNLOAD;
