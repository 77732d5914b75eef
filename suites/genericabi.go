package suites

// Generic steps (wskplan.h).
const (
	opUpload   = 120
	opRun      = 121
	opIoctl    = 122
	opCollect  = 123
	opEventLog = 124
	opRegistry = 135

	uploadReplace = 0x1
	uploadOptions = 0x1

	registryGet    = 0
	registrySet    = 1
	registryDelete = 2

	opOpen        = 125
	opCloseHandle = 126
	opRead        = 127
	opWrite       = 128

	// Arguments of every request to a device.
	slotRoom   = 1 // bytes of output at most
	slotHandle = 2 // one more than the handle
	slotCancel = 3 // one more than the ms after which it is cancelled

	roomOfBuffer    = 1 << 32
	defaultRoom     = 4096
	maxHandles      = 128
	openSynchronous = 0x1
	cancelThread    = 0
	cancelHandle    = 1

	textDevice   = "d"
	textInput    = "i"
	textBuffer   = "b"
	textOutput   = "o"
	textContains = "c"

	genericBytes = 64 << 10 // of each output of a step are kept
	reportBytes  = 4 << 20  // of a report

	runStdoutReport = 0x1
	runOptions      = 0x1

	runAtNothing   = 0
	runAtFolder    = 1
	runAtOldReport = 2
	runAtStart     = 3
	runAtReport    = 4
	runAtInput     = 5

	maxAgentMs = 86400000

	planPlain       = 0x1
	planNeverUnload = 0x2

	valueJoined      = 3 // of a join: where the values of the thread's operation are …
	valueJoinedCount = 7 // … and how many

	valueRunExit      = 0
	valueRunOut       = 1
	valueRunErr       = 2
	valueRunAt        = 3
	valueRunMissing   = 4
	valueRunListed    = 5
	valueRequestBytes = 0
	valueRequestMatch = 1
	valueFileBytes    = 0

	valueRegistryType  = 0
	valueRegistryBytes = 1
)

// MaxOutput is the most that a guest keeps of one output of a step.
const MaxOutput = reportBytes
