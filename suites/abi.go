package suites

// The Go mirror of driver/include/wskabi.h and wskplan.h. abi_test.go parses both headers and
// compares every number, so a change on one side only does not go unnoticed.

// ABI is the version of the contract between driver, agent and plan (WSKT_ABI).
const ABI = 4

const (
	maxClients  = 64
	maxThreads  = 16
	maxSockets  = 128
	maxParallel = 64
	maxSteps    = 64 // in one unit
	maxExpect   = 4
	maxArgs     = 6
	maxValues   = 10
	maxChecks   = 6
	maxKept     = 16 // steps of a case whose values later ones take
	maxWaitMs   = 120000
	maxUnitMs   = 3600000
)

const (
	opRegister   = 1
	opDeregister = 2
	opCapture    = 3
	opRelease    = 4
	opQuery      = 5
	opInspect    = 6
	opCompare    = 7
	opBlocked    = 8
	opJoin       = 9
	opSleep      = 10
	opMemory     = 11
	opActivate   = 12
	opDeactivate = 13
	opState      = 14
	opFault      = 15

	opSocket        = 20
	opSocketConnect = 21
	opBind          = 22
	opConnect       = 23
	opAccept        = 24
	opSend          = 25
	opReceive       = 26
	opSendTo        = 27
	opReceiveFrom   = 28
	opDisconnect    = 29
	opClose         = 30
	opAddress       = 31
	opControlSocket = 32
	opControlClient = 33
	opAwait         = 34
	opCancel        = 35
	opEvents        = 36

	opProvider      = 40
	opProviderState = 41
)

// Operations of the agent (wskplan.h).
const (
	opUnload   = 100
	opLoad     = 101
	opReload   = 102
	opReboot   = 103
	opUnloaded = 104

	opStartFailures = 105
	opEcho          = 106

	echoUntilClosed = 0x1
	echoIdle        = 0x2
	echoProgram     = 0x4
	echoOptions     = 0x7
	echoBytes       = 65536
	echoConnections = 32

	startActivate = 0x1
)

const (
	byDriver performer = 0
	byAgent  performer = 1

	unitAtStart = 0x1
	unitHealth  = 0x2

	maxPlanSuites = 64 // with a set-up or a tear-down of their own, in one plan
)

const (
	valueUnloadDeregistrations = 0
	valueUnloadDeregisterNS    = 1
	valueUnloadBlocks          = 2
	valueUnloadSockets         = 3
	valueUnloadCalls           = 4
	valueUnloadLongestNS       = 5
	valueUnloadPoolGrowth      = 6
	valueUnloadPoolCounted     = 7
	valueUnloadTimes           = 8
	valueUnloadEarly           = 9

	valueFailuresEntry    = 0
	valueFailuresLater    = 1
	valueFailuresSurvived = 2
	valueFailuresLeft     = 3
	valueFailuresDevices  = 4

	valueEchoBytes       = 0
	valueEchoConnections = 1
	valueEchoClosed      = 2

	valueLoadWin32    = 0
	valueLoadInjected = 1
)

const (
	contextCaller = 0
	contextGuard  = 1
	contextSpin   = 2
	contextDPC    = 3
)

const (
	stepRecord = 0x1
	stepMisuse = 0x2
	stepYield  = 0x4
)

const (
	regEventCallback = 0x01
	regContext       = 0x02
	regStackNPI      = 0x04
	regFilledBlock   = 0x08
	regPoolBlock     = 0x10
	regNullDispatch  = 0x20
	regZeroedBlock   = 0x40
	regOptions       = 0x7F
)

// Options of operations on sockets (WSKT_STEP.Arg[4]).
const (
	socketNullIRP      = 0x001
	socketNullClient   = 0x002
	socketPending      = 0x004
	socketEventAccept  = 0x008
	socketEventReject  = 0x010
	socketEventDisable = 0x020
	socketAbortive     = 0x040
	socketRemote       = 0x080
	socketRetry        = 0x100
	socketClient       = 0x200
	socketNoAddresses  = 0x400
	socketOptions      = 0x7FF
	socketBytes        = 4096 // largest buffer
)

const (
	faultWrite    = 1
	faultBugcheck = 2
	faultHang     = 3
)

const (
	providerLeave    = 0
	providerReady    = 1
	providerNotReady = 2
	providerAfter    = 3
)

// Where a step's status comes from (WSKT_RESULT.Origin).
const (
	OriginCall    = 0 // Status is what the call or check returned
	OriginRefused = 1 // the driver refused the step: WSK was not called
	OriginTimeout = 2 // the call did not return in time; it is still out there
	OriginAsync   = 3 // queued on a named thread; Status is STATUS_PENDING
	OriginSkipped = 4 // an earlier step of the unit ended it
)

const (
	valueRegisterEvents  = 0
	valueRegisterVersion = 1

	valueDeregisterCaptures  = 0
	valueDeregisterTableKept = 1

	valueNPIVersion      = 0
	valueNPIReserved     = 1
	valueNPIClientSet    = 2
	valueNPIDispatchSet  = 3
	valueNPISlots        = 4
	valueNPICaptures     = 5
	valueNPISameClient   = 6
	valueNPISameDispatch = 7
	valueNPIEvents       = 8

	valueQueryLow     = 0
	valueQueryHigh    = 1
	valueQueryBetween = 2
	valueQueryBelow   = 3
	valueQueryAbove   = 4

	valueCompareSameClient   = 0
	valueCompareSameDispatch = 1

	valueThreadStatus = 0
	valueThreadDone   = 1
	valueThreadNS     = 2

	valueMemoryBytes  = 0
	valueMemoryGrowth = 1

	valueStatePhase       = 0
	valueStateStatus      = 1
	valueStateVersion     = 2
	valueStateNegotiated  = 3
	valueStatePort        = 4
	valueStateAccepted    = 5
	valueStateOpen        = 6
	valueStateBytes       = 7
	valueStateNPIHeld     = 8
	valueStateAllocations = 9

	valueProviderRegistrations   = 0
	valueProviderCaptures        = 1
	valueProviderWaiters         = 2
	valueProviderSockets         = 3
	valueProviderBusy            = 4
	valueProviderMismatched      = 5
	valueProviderRegisterCalls   = 6
	valueProviderDeregisterCalls = 7
	valueProviderCaptureCalls    = 8
	valueProviderReleaseCalls    = 9
)

const (
	valueSocketCall        = 0
	valueSocketIRP         = 1
	valueSocketCompleted   = 2
	valueSocketInformation = 3
	valueSocketOutput      = 4
	valueSocketPort        = 5
	valueSocketMatch       = 6
	valueSocketTransports  = 7
	valueSocketEvents      = 8
	valueSocketDisabled    = 9
)

const (
	phaseInactive  = 0
	phaseStarting  = 1
	phaseListening = 2
	phaseFailed    = 3
	phaseStopping  = 4
)

const (
	planMagic   = 0x4E4C504B // "KPLN"
	planVersion = 8
	planMaxFile = 16 << 20
)

const (
	valueElapsedNS = 100
	valueMaxNS     = 101
)

const (
	compareEQ  = 1
	compareNE  = 2
	compareGE  = 3
	compareLE  = 4
	compareHas = 5
)

// The wire structures keep the field names and the order of the C ones: encoding/binary writes
// them without padding, as the C side has none either (abi_test.go proves both).

type wireHeader struct {
	Magic          uint32
	Version        uint32
	Abi            uint32
	FileSize       uint32
	Crc32          uint32
	CaseCount      uint32
	CaseOffset     uint32
	UnitCount      uint32
	UnitOffset     uint32
	StepCount      uint32
	StepOffset     uint32
	StringBytes    uint32
	StringOffset   uint32
	RunId          uint32
	DriverPath     uint32
	ServiceName    uint32
	StartTimeoutMs uint32
	StopTimeoutMs  uint32
	Flags          uint32
	Settings       uint32
	DriverSha256   [32]byte
}

type wireCase struct {
	Name          uint32
	FirstUnit     uint32
	UnitCount     uint32
	TimeoutMs     uint32
	TearDownCount uint32
	TearDownMs    uint32
	Suite         uint32
	Role          uint32
}

type wireUnit struct {
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
	Flags        uint32
}

type wireCheck struct {
	Value    uint16
	Compare  uint16
	From     uint16
	Reserved uint16
	Want     uint64
}

type wireStep struct {
	Op          uint32
	Context     uint16
	Thread      uint16
	TimeoutMs   uint32
	Flags       uint32
	ExpectCount uint16
	NextCount   uint16
	Expect      [maxExpect]uint32
	Group       uint16
	Weight      uint16
	Arg         [maxArgs]uint64
	CheckCount  uint16
	Keep        uint16
	From        uint16
	FromArg     uint16
	Check       [maxChecks]wireCheck
}

// wirePlanStep is WSKP_STEP: a step, and who performs it.
type wirePlanStep struct {
	Step      wireStep
	Performer uint32
	Text      uint32
}
