// Code generated from the headers in driver/include by go generate ./driver/abi; DO NOT EDIT.

package abi

const ABI = 4

const (
	MaxClients  = 64  // named clients; a parallel thread t uses client + t * ClientStride
	MaxThreads  = 16  // named kernel threads
	MaxSockets  = 128 // named sockets; a parallel thread t uses socket + t * SocketStride
	MaxParallel = 64
	MaxSteps    = 64 // in one batch
	MaxExpect   = 4
	MaxArgs     = 6
	MaxValues   = 10
	MaxChecks   = 6
	MaxKept     = 16      // steps of a case whose values later ones take
	MaxWaitMs   = 120000  // longest bound that a step may ask for
	MaxBatchMs  = 3600000 // and a batch: a loop may run for long
)

const MaxInflight = 64 // that STATUS lists

// Operations: WSKT_STEP.Op. Client operations take the client's index in Arg[0].
const (
	OpNone       = 0
	OpRegister   = 1  // client, version (major << 8 | minor), WSKT_REG_* flags, Reserved
	OpDeregister = 2  // client
	OpCapture    = 3  // client, wait in ms (0 none, 0xFFFFFFFF infinite)
	OpRelease    = 4  // client, ms: 0, or a worker does it so much later, and the step does not wait
	OpQuery      = 5  // client: WskQueryProviderCharacteristics
	OpInspect    = 6  // client: what is captured now
	OpCompare    = 7  // client, other client: are the captured pointers the same?
	OpBlocked    = 8  // thread, ms: STATUS_TIMEOUT while its operation has not returned
	OpJoin       = 9  // thread, ms: status of its operation; origin TIMEOUT if not back
	OpSleep      = 10 // ms
	OpMemory     = 11 // 1 to set the mark, 0 to measure against it
	OpActivate   = 12 // the sample's own sub-component: register, capture on the worker
	OpDeactivate = 13
	OpState      = 14 // ms to wait for the sample to settle (listening, failed or inactive)
	OpFault      = 15 // WSKT_FAULT_*, then its arguments; only with WSKT_STEP_MISUSE

	// Sockets. A socket's index is in Arg[0], but where a client is; WSKT_SOCKET_* in Arg[4], and in Arg[5] how many
	// milliseconds to wait for the IRP.
	OpSocket        = 20 // client, socket, WSK_FLAG_* | (event's socket + 1) << 8, family | type << 16 | protocol << 32
	OpSocketConnect = 21 // client, socket, the bound socket to connect to
	OpBind          = 22 // to the loopback address
	OpConnect       = 23 // socket, the bound socket to connect to
	OpAccept        = 24 // socket, name for the accepted one
	OpSend          = 25 // socket, bytes, first byte of the pattern | WSK_BUF.Offset << 8
	OpReceive       = 26 // likewise: bytes is the size of the buffer
	OpSendTo        = 27 // and the bound socket to send to
	OpReceiveFrom   = 28
	OpDisconnect    = 29
	OpClose         = 30
	OpAddress       = 31
	OpControlSocket = 32 // socket, mask of WSK_EVENT_*
	OpControlClient = 33 // client, control code, size of the output, or the value to set
	OpAwait         = 34 // the oldest operation of the socket (or client) that is not waited for
	OpCancel        = 35 // IoCancelIrp for the oldest operation of the socket (or client)
	OpEvents        = 36 // socket, calls of its event callback to wait for

	// Of a provider that can be controlled (wskcontrol.h); refused with STATUS_NOT_SUPPORTED elsewhere.
	// WSKT_PROVIDER_* readiness, ms, lowest version, highest (0: both stay), WSKT_PROVIDER_* of memory for sockets
	OpProvider      = 40
	OpProviderState = 41
)

// Where a step runs: WSKT_STEP.Context.
const (
	ContextCaller = 0 // on the thread that runs the batch's list
	ContextGuard  = 1 // on a thread that the driver can wait for with a limit
	ContextSpin   = 2 // DISPATCH_LEVEL, under a spin lock
	ContextDPC    = 3 // DISPATCH_LEVEL, in a deferred procedure call
)

// WSKT_STEP.Flags
const (
	StepRecord = 0x1 // note the status, whatever it is
	StepMisuse = 0x2 // do it even though the documentation forbids it
	StepYield  = 0x4 // where the driver refuses it, it has not run, and the list ends
)

// WSKT_OP_REGISTER, Arg[2]
const (
	RegEventCallback = 0x01 // non-NULL WskClientEvent, which counts its calls
	RegContext       = 0x02 // non-NULL ClientContext
	RegStackNPI      = 0x04 // WSK_CLIENT_NPI on the stack, overwritten after the call
	RegFilledBlock   = 0x08 // registration block filled with 0xAA before the call …
	RegPoolBlock     = 0x10 // block and dispatch in nonpaged pool, freed after deregister
	RegNullDispatch  = 0x20 // misuse
	RegZeroedBlock   = 0x40 // … or zeroed; with neither it stays as WskDeregister left it
	RegOptions       = 0x7F
)

// WSKT_OP_FAULT, Arg[0]
const (
	FaultWrite    = 1 // write to address Arg[1]
	FaultBugcheck = 2 // KeBugCheckEx(Arg[1], Arg[2] .. Arg[5])
	FaultHang     = 3 // never return before Arg[1] ms have passed
)

// Socket operations, Arg[4]
const (
	SocketNullIRP      = 0x001
	SocketNullClient   = 0x002 // the IRP is not waited for: nothing says that it completes
	SocketPending      = 0x004 // return without waiting for the IRP; AWAIT does
	SocketEventAccept  = 0x008 // WskAcceptEvent accepts into the event's socket
	SocketEventReject  = 0x010 // it returns STATUS_REQUEST_NOT_ACCEPTED
	SocketEventDisable = 0x020 // it disables itself with a NULL IRP, then rejects
	SocketAbortive     = 0x040 // DISCONNECT
	SocketRemote       = 0x080 // ADDRESS: the peer's
	SocketRetry        = 0x100 // LIST_QUERY: ask for the size first, again while it grows
	SocketClient       = 0x200 // AWAIT, CANCEL: Arg[0] is a client
	SocketNoAddresses  = 0x400 // ACCEPT: with NULL for both addresses
	SocketOptions      = 0x7FF
	SocketBytes        = 4096 // largest buffer
)

// WSKT_OP_PROVIDER, Arg[0]
const (
	ProviderLeave    = 0 // readiness stays as it is
	ProviderReady    = 1
	ProviderNotReady = 2
	ProviderAfter    = 3 // not ready now, but Arg[1] ms from now
)

// WSKT_RESULT.Origin
const (
	OriginCall    = 0 // Status is what the call (or check) returned
	OriginRefused = 1 // the driver refused the step: WSK was not called
	OriginTimeout = 2 // the call did not return within TimeoutMs; it is still out there
	OriginAsync   = 3 // queued on a named thread; Status is STATUS_PENDING
	OriginSkipped = 4 // an earlier step of the batch ended it
)

// Meaning of WSKT_RESULT.Value by operation. Pointers are never handed out: where identity matters, Value says whether
// two of them are the same. what the client asked for
const (
	ValueRegisterEvents  = 0
	ValueRegisterVersion = 1
)

const (
	ValueDeregisterCaptures  = 0 // that nobody had begun to release when it returned
	ValueDeregisterTableKept = 1 // the client's dispatch table is as the client filled it in
)

// CAPTURE, INSPECT, RELEASE
const (
	ValueNPIVersion      = 0
	ValueNPIReserved     = 1
	ValueNPIClientSet    = 2 // Client is non-NULL
	ValueNPIDispatchSet  = 3 // Dispatch is non-NULL
	ValueNPISlots        = 4 // bit n: function n of WSK_PROVIDER_DISPATCH is non-NULL
	ValueNPICaptures     = 5 // captures of this client not yet released
	ValueNPISameClient   = 6 // Client equals that of this client's capture before; 1 for the first
	ValueNPISameDispatch = 7
	ValueNPIEvents       = 8 // calls of WskClientEvent so far
)

const (
	ValueQueryLow     = 0
	ValueQueryHigh    = 1
	ValueQueryBetween = 2 // a version that is neither, where there is one; else the highest
	ValueQueryBelow   = 3 // the version before the lowest; where there is none, the last one of all
	ValueQueryAbove   = 4 // the version after the highest; where there is none, 0.0
)

const (
	ValueCompareSameClient   = 0
	ValueCompareSameDispatch = 1
)

// BLOCKED, JOIN
const (
	ValueThreadStatus = 0
	ValueThreadDone   = 1
	ValueThreadNS     = 2
)

// growth since the mark; 0 if it shrank
const (
	ValueMemoryBytes  = 0
	ValueMemoryGrowth = 1
)

// STATE, ACTIVATE, DEACTIVATE
const (
	ValueStatePhase       = 0 // WSKT_PHASE_*
	ValueStateStatus      = 1 // why it failed, or STATUS_SUCCESS
	ValueStateVersion     = 2 // WSK version it runs with
	ValueStateNegotiated  = 3 // 1 if it had to register again within the provider's range
	ValueStatePort        = 4 // TCP port of the echo server, 0 when not listening
	ValueStateAccepted    = 5
	ValueStateOpen        = 6 // sockets open now, the listener included
	ValueStateBytes       = 7 // echoed, or on their way back
	ValueStateNPIHeld     = 8 // 1 while the sample itself holds a capture
	ValueStateAllocations = 9 // pool blocks of the driver not yet freed
)

// socket operations; Status is the IRP's, or the call's where the IRP has not completed
const (
	ValueSocketCall        = 0 // what the call returned
	ValueSocketIRP         = 1 // the IRP's status, STATUS_PENDING while it has not completed
	ValueSocketCompleted   = 2 // 1: the IRP has completed; 2: more often than once
	ValueSocketInformation = 3 // the IRP's; 1 where it is a pointer
	ValueSocketOutput      = 4 // OutputSizeReturned
	ValueSocketPort        = 5 // of an address, host byte order
	ValueSocketMatch       = 6 // 1: the bytes received are those of the pattern
	ValueSocketTransports  = 7 // bit 0: a stream transport (TCP), bit 1: a datagram transport (UDP)
	ValueSocketEvents      = 8 // calls of the socket's event callback so far
	ValueSocketDisabled    = 9 // what WskControlSocket returned to the callback that disabled itself
)

const (
	PhaseInactive  = 0
	PhaseStarting  = 1
	PhaseListening = 2
	PhaseFailed    = 3
	PhaseStopping  = 4
)

// PROVIDER_STATE: live things as they are, calls since the last tidying up
const (
	ValueProviderRegistrations   = 0
	ValueProviderCaptures        = 1
	ValueProviderWaiters         = 2 // captures that wait
	ValueProviderSockets         = 3
	ValueProviderBusy            = 4 // calls of the client object and their IRPs in progress
	ValueProviderMismatched      = 5 // releases and deregistrations of what was not there
	ValueProviderRegisterCalls   = 6
	ValueProviderDeregisterCalls = 7
	ValueProviderCaptureCalls    = 8
	ValueProviderReleaseCalls    = 9
)

// WSKT_CHECK.Value beyond the WSKT_RESULT.Value indices
const (
	ValueElapsedNS = 100
	ValueMaxNS     = 101
)

// WSKT_CHECK.Compare
const (
	EQ  = 1
	NE  = 2
	GE  = 3
	LE  = 4
	Has = 5 // all bits of Want are set
)

// A demand on what a step reports: of every run of it, as it goes.
type Check struct {
	Value    uint16
	Compare  uint16
	From     uint16 // not 0: what Want is taken from
	Reserved uint16
	Want     uint64
}

// 192 bytes
type Step struct {
	Op          uint32
	Context     uint16
	Thread      uint16 // 0: wait for it; n: start it on named kernel thread n - 1 and go on
	TimeoutMs   uint32
	Flags       uint32
	ExpectCount uint16 // 0 means STATUS_SUCCESS (STATUS_PENDING with a Thread)
	NextCount   uint16 // so many of Expect, the last ones, end the list: the thread goes on to its next
	Expect      [MaxExpect]uint32
	Group       uint16 // in a batch with Groups: which one the step is of; groups are in order
	Weight      uint16 // of the first step of a group: how often that is chosen, beside the others; at least 1
	Arg         [MaxArgs]uint64
	CheckCount  uint16
	Keep        uint16 // n: what it reports is kept for later steps, as n; a step that runs once, on one thread
	From        uint16 // not 0: what Arg[FromArg] is taken from, when the step runs
	FromArg     uint16
	Check       [MaxChecks]Check
}

// WSKT_INFLIGHT.Kind
const (
	InflightStep = 1 // a thread is in the operation of a step
	InflightIRP  = 2 // an IRP of a socket operation that is not done with
)

const (
	PlanMagic   = 0x4E4C504B // "KPLN"
	PlanVersion = 8
)

const PlanMaxFile = (16 * 1024 * 1024)

type PlanHeader struct {
	Magic          uint32
	Version        uint32
	Abi            uint32
	FileSize       uint32
	Crc32          uint32 // IEEE, of the file with this field zero
	CaseCount      uint32
	CaseOffset     uint32
	BatchCount     uint32
	BatchOffset    uint32
	StepCount      uint32
	StepOffset     uint32
	StringBytes    uint32
	StringOffset   uint32
	RunId          uint32 // string offsets, relative to the string table
	DriverPath     uint32 // in the guest; empty: the driver is running already
	ServiceName    uint32
	StartTimeoutMs uint32
	StopTimeoutMs  uint32
	Flags          uint32    // WSKP_EXTERNAL, WSKP_NEVER_UNLOAD
	Settings       uint32    // of the service: a list of texts (settings.h), empty unless WSKP_EXTERNAL
	DriverSha256   [32]uint8 // nothing is started unless the file has this hash
}

// The driver is one of the user's own: it does not speak this ABI, and all steps are the agent's.
const PlanExternal = 0x1

// That driver is never unloaded: it is left running at the end. Only beside WSKP_EXTERNAL.
const PlanNeverUnload = 0x2

type PlanCase struct {
	Name          uint32 // string offset: suite.case
	FirstBatch    uint32
	BatchCount    uint32
	TimeoutMs     uint32 // for all batches but those of the tear-down
	TearDownCount uint32 // so many of its last batches run whatever became of those before
	TearDownMs    uint32 // for these; 0 where there are none
	Suite         uint32 // from 1, of those that have a set-up or a tear-down of their own; 0: it has none
	Role          uint32 // WSKP_ROLE_*
}

// Of the cases of a suite with a set-up or a tear-down of its own: that set-up, which comes first in the plan, the
// cases themselves, that tear-down, which comes last. No case runs whose suite's set-up was not as expected; the
// tear-down runs all the same. Both have the suite's folder for their own, and its cases find files there that their
// own folder does not have.
const (
	PlanRoleCase     = 0
	PlanRoleSetUp    = 1
	PlanRoleTearDown = 2
)

const PlanMaxSuites = 64 // of such in one plan

type PlanBatch struct {
	FirstStep    uint32
	StepCount    uint32
	Repeat       uint32
	Parallel     uint32
	ClientStride uint32
	SocketStride uint32
	TimeoutMs    uint32
	ForMs        uint32
	Groups       uint32
	Seed         uint32
	Flags        uint32 // WSKP_BATCH_*
}

// DriverEntry runs it, when the step of the batch before (LOAD or REBOOT) starts the driver; in its place the driver
// is asked what came of it.
const PlanBatchAtStart = 0x1

// A health check: where its step is not as expected, no case runs on what this one has left. In a tear-down only.
const (
	PlanBatchHealth = 0x2
	PlanBatchFlags  = 0x3
)

// Who executes a step: WSKP_STEP.Executor. Steps of the agent have a batch each, which runs once.
const (
	PlanByDriver = 0
	PlanByAgent  = 1
)

// Operations of the agent: WSKT_STEP.Op. WSKT_OP_BLOCKED and WSKT_OP_JOIN are the agent's, too, where their thread is
// one of its own: those are numbered like the driver's, and apart from them. So is WSKT_OP_CANCEL, of a request that
// is out on such a thread, or of all on a handle. Context and Group mean nothing here. Status is an NTSTATUS: what
// DriverEntry left, where it left something, else the Win32 error in the facility that is made for that
// (WSKP_STATUS_OF_WIN32).
const (
	PlanOpUnload = 100 // stops the driver's service
	PlanOpLoad   = 101 // starts it: failure to inject (0: none), WSKP_START_*
	PlanOpReload = 102 // unloads and loads: how often; texts: tags of the pool that is looked at
	// the guest: failure to inject, WSKP_START_*, start type of the driver (SERVICE_BOOT_START to SERVICE_DEMAND_START),
	// readiness of the provider: ms from its first use and 1, or 0; ms to wait for the driver once the guest is up
	PlanOpReboot        = 103
	PlanOpUnloaded      = 104 // what the driver left when it was unloaded last
	PlanOpStartFailures = 105 // starts the driver with each call failing that can: WSKP_START_* in Arg[1]
	PlanOpEcho          = 106 // talks to the echo server: bytes, connections, WSKP_ECHO_*
)

// WSKP_OP_LOAD, WSKP_OP_REBOOT, Arg[1]
const PlanStartActivate = 0x1 // DriverEntry activates the sub-component itself

// WSKP_OP_ECHO, Arg[2]. UNTIL_CLOSED goes on until the server closes; on a thread, the step is back once every
// connection has had its first round. IDLE sends nothing after that, and only waits.
const (
	PlanEchoUntilClosed = 0x1
	PlanEchoIdle        = 0x2
	PlanEchoProgram     = 0x4 // by a process of its own
	PlanEchoOptions     = 0x7
	PlanEchoBytes       = 65536 // most, in one round
	PlanEchoConnections = 32
)

// Meaning of WSKT_RESULT.Value by operation of the agent. UNLOAD, UNLOADED, RELOAD: of WSKT_UNLOAD; of several
// unloads, the sums and the longest time
const (
	PlanValueUnloadDeregistrations = 0
	PlanValueUnloadDeregisterNS    = 1
	PlanValueUnloadBlocks          = 2
	PlanValueUnloadSockets         = 3
	PlanValueUnloadCalls           = 4
	PlanValueUnloadLongestNS       = 5 // RELOAD: the slowest stop of the service
	PlanValueUnloadPoolGrowth      = 6 // RELOAD: bytes of the driver's pool tag; if nobody counts, 0 …
	PlanValueUnloadPoolCounted     = 7 // … and 0 here
	PlanValueUnloadTimes           = 8
	PlanValueUnloadEarly           = 9
)

// START_FAILURES
const (
	PlanValueFailuresEntry    = 0 // starts that failed with the status that they should fail with
	PlanValueFailuresLater    = 1 // that succeeded, but the sub-component then failed with it
	PlanValueFailuresSurvived = 2 // that succeeded, and the sub-component did without the call
	PlanValueFailuresLeft     = 3 // blocks and sockets that any of them left
	PlanValueFailuresDevices  = 4 // devices that were there after a start that failed
)

// ECHO
const (
	PlanValueEchoBytes       = 0
	PlanValueEchoConnections = 1
	PlanValueEchoClosed      = 2
)

// LOAD, REBOOT
const (
	PlanValueLoadWin32    = 0 // what the service manager said
	PlanValueLoadInjected = 1 // 1: the failure that was asked for was made
)

// Operations of the agent that need nothing of the driver but that it is one. What no number can say are the texts of
// the step, a list (words.h). A path that is not absolute counts from the case's own folder in the guest.
const (
	// WSKP_UPLOAD_*; texts: where the file or folder was pushed to, where it belongs; paths of folders in it in which
	// there is nothing
	PlanOpUpload = 120
	// time in ms, WSKP_RUN_*; texts: program, a blank and its arguments, and then pairs, each of a word and what it is
	// about: "report" a file that it writes, "look" one that its arguments name, "env" NAME=VALUE to add to the agent's
	// environment, "unset" a name to take out of it, "input" the digits of its standard input or "input-file" the file of
	// it, "exit" one of the codes that it may end with
	PlanOpRun     = 121
	PlanOpIoctl   = 122 // control code, and what every request has; texts: WSKP_TEXT_*
	PlanOpCollect = 123 // bytes at most; texts: path, name for the controller
	// WSKP_REGISTRY_*, root (0 HKEY_LOCAL_MACHINE, 1 HKEY_USERS), 1: the key is that of the parameters of the driver's
	// service, type; texts: key below the root, '=' and the value's name, maybe the digits of what is written
	PlanOpRegistry = 135
	PlanOpEventLog = 124 // time in ms; texts: channel, a blank and conditions, maybe what it contains
	PlanOpOpen     = 125 // handle, WSKP_OPEN_*; texts: the device
	PlanOpClose    = 126 // handle
	PlanOpRead     = 127 // offset, and what every request has; texts: WSKP_TEXT_*
	PlanOpWrite    = 128 // likewise
)

// What every request to a device has: in Arg[1] its bytes of output at most, in Arg[2] one more than its handle, or 0
// (then a text names the device, which is opened for the request), in Arg[3] one more than the ms after which it is
// cancelled, or 0.
const PlanRoomOfBuffer = 0x100000000 // Arg[1]: as much as its output buffer holds to begin with

// Handles are of the case, and closed at its end. A parallel thread t of a loop uses handle + t * SocketStride.
const PlanMaxHandles = 128

// WSKP_OP_OPEN, Arg[1]
const PlanOpenSynchronous = 0x1 // one request at a time, which its thread waits for in the kernel

// WSKT_OP_CANCEL of the agent's, Arg[1]: what Arg[0] is
const (
	PlanCancelThread = 0
	PlanCancelHandle = 1
)

// The letter with which a text of a request begins says what the rest is. Each at most once, but 'c'.
const (
	PlanTextDevice     = 'd' // NAME, or the whole of a path \\.\NAME
	PlanTextInput      = 'i' // hexadecimal digits
	PlanTextInputFile  = 'I' // where a file with it was pushed to
	PlanTextBuffer     = 'b' // what the output buffer holds to begin with
	PlanTextBufferFile = 'B'
	PlanTextOutput     = 'o' // what the output has to be: digits, '?' for any
	PlanTextContains   = 'c' // and what has to be somewhere in it
)

const (
	PlanGenericBytes = 65536   // of each output of a step are kept
	PlanReportBytes  = 4194304 // of a report
)

// WSKT_OP_JOIN of a thread of the agent's: behind the values of every join, the first WSKP_V_JOINED_COUNT of the
// operation that the thread was at. What that wrote is told with the join, too.
const (
	PlanValueJoined      = 3
	PlanValueJoinedCount = 7
)

// A program, and whoever waits for it on a thread of the agent's, may take as long as a case.
const PlanMaxWaitMs = 86400000

// WSKP_OP_RUN, Arg[1]
const (
	PlanRunStdoutReport = 0x1 // its standard output is a report, and is kept as one
	PlanRunOptions      = 0x1
)

// At what a run has failed that did not come to its end.
const (
	PlanRunAtNothing   = 0
	PlanRunAtFolder    = 1 // making the case's folder
	PlanRunAtOldReport = 2 // taking away what was there in the report's place
	PlanRunAtStart     = 3 // starting the program
	PlanRunAtReport    = 4 // reading the report, of a program that ended as it should
	PlanRunAtInput     = 5 // opening its standard input
)

// RUN
const (
	PlanValueRunExit    = 0
	PlanValueRunOut     = 1 // bytes
	PlanValueRunErr     = 2
	PlanValueRunAt      = 3 // WSKP_RUN_AT_*
	PlanValueRunMissing = 4 // of the files to be looked for, from 1, the first that is not there; 0: none
	PlanValueRunListed  = 5 // 1: its exit code is one of those that the texts name
)

// IOCTL, READ, WRITE
const (
	PlanValueRequestBytes = 0 // Information of its status block
	PlanValueRequestMatch = 1 // 1: the output is what the texts say, or they say nothing
)

// WSKP_OP_UPLOAD, Arg[0]
const (
	PlanUploadReplace = 0x1 // a file that is there is put back when the case is over
	PlanUploadOptions = 0x1
)

// WSKP_OP_REGISTRY, Arg[0]; what it changes is changed back when the case is over
const (
	PlanRegistryGet    = 0
	PlanRegistrySet    = 1
	PlanRegistryDelete = 2
)

// REGISTRY, of GET
const (
	PlanValueRegistryType  = 0
	PlanValueRegistryBytes = 1
)

// UPLOAD, COLLECT
const PlanValueFileBytes = 0

// 200 bytes
type PlanStep struct {
	Step     Step
	Executor uint32 // WSKP_BY_*
	Text     uint32 // string offset, of what no number can say; empty where there is nothing
}
