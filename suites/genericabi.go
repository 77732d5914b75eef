package suites

// Generic steps (wskplan.h).
const (
	opUpload   = 120
	opRun      = 121
	opIoctl    = 122
	opCollect  = 123
	opEventLog = 124

	genericBytes = 64 << 10  // of each output of a step are kept
	reportBytes  = 256 << 10 // of a report

	planPlain       = 0x1
	planNeverUnload = 0x2

	valueJoined      = 3 // of a join: where the values of the thread's operation are …
	valueJoinedCount = 7 // … and how many

	valueRunExit    = 0
	valueRunOut     = 1
	valueRunErr     = 2
	valueIoctlWin32 = 0
	valueIoctlBytes = 1
	valueFileBytes  = 0
)

// MaxOutput is the most that a guest keeps of one output of a step.
const MaxOutput = reportBytes
