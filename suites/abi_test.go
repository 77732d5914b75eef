package suites

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const includeDir = "../driver/include"

// mirrored maps each number of the headers to its Go twin.
func mirrored() map[string]uint64 {
	return map[string]uint64{
		"WSKT_ABI": ABI, "WSKT_MAX_CLIENTS": maxClients, "WSKT_MAX_THREADS": maxThreads,
		"WSKT_MAX_PARALLEL": maxParallel, "WSKT_MAX_STEPS": maxSteps, "WSKT_MAX_EXPECT": maxExpect,
		"WSKT_MAX_ARGS": maxArgs, "WSKT_MAX_VALUES": maxValues, "WSKT_MAX_WAIT_MS": maxWaitMs,
		"WSKT_MAX_UNIT_MS": maxUnitMs,

		"WSKT_OP_NONE": 0, "WSKT_OP_REGISTER": opRegister, "WSKT_OP_DEREGISTER": opDeregister,
		"WSKT_OP_CAPTURE": opCapture, "WSKT_OP_RELEASE": opRelease, "WSKT_OP_QUERY": opQuery,
		"WSKT_OP_INSPECT": opInspect, "WSKT_OP_COMPARE": opCompare, "WSKT_OP_BLOCKED": opBlocked,
		"WSKT_OP_JOIN": opJoin, "WSKT_OP_SLEEP": opSleep, "WSKT_OP_MEMORY": opMemory,
		"WSKT_OP_ACTIVATE": opActivate, "WSKT_OP_DEACTIVATE": opDeactivate, "WSKT_OP_STATE": opState,
		"WSKT_OP_FAULT": opFault, "WSKT_OP_SOCKET": opSocket, "WSKT_OP_SOCKET_CONNECT": opSocketConnect,
		"WSKT_OP_BIND": opBind, "WSKT_OP_CONNECT": opConnect, "WSKT_OP_ACCEPT": opAccept, "WSKT_OP_SEND": opSend,
		"WSKT_OP_RECEIVE": opReceive, "WSKT_OP_SEND_TO": opSendTo, "WSKT_OP_RECEIVE_FROM": opReceiveFrom,
		"WSKT_OP_DISCONNECT": opDisconnect, "WSKT_OP_CLOSE": opClose, "WSKT_OP_ADDRESS": opAddress,
		"WSKT_OP_CONTROL_SOCKET": opControlSocket, "WSKT_OP_CONTROL_CLIENT": opControlClient,
		"WSKT_OP_AWAIT": opAwait, "WSKT_OP_CANCEL": opCancel, "WSKT_OP_EVENTS": opEvents,

		"WSKT_MAX_SOCKETS": maxSockets, "WSKT_SOCKET_NULL_IRP": socketNullIRP, "WSKT_SOCKET_NULL_CLIENT": socketNullClient,
		"WSKT_SOCKET_PENDING": socketPending, "WSKT_SOCKET_EVENT_ACCEPT": socketEventAccept,
		"WSKT_SOCKET_EVENT_REJECT": socketEventReject, "WSKT_SOCKET_EVENT_DISABLE": socketEventDisable,
		"WSKT_SOCKET_ABORTIVE": socketAbortive, "WSKT_SOCKET_REMOTE": socketRemote, "WSKT_SOCKET_RETRY": socketRetry,
		"WSKT_SOCKET_CLIENT": socketClient, "WSKT_SOCKET_NO_ADDRESSES": socketNoAddresses, "WSKT_SOCKET_OPTIONS": socketOptions, "WSKT_SOCKET_BYTES": socketBytes,
		"WSKT_V_SOCKET_CALL": valueSocketCall, "WSKT_V_SOCKET_IRP": valueSocketIRP,
		"WSKT_V_SOCKET_COMPLETED": valueSocketCompleted, "WSKT_V_SOCKET_INFORMATION": valueSocketInformation,
		"WSKT_V_SOCKET_OUTPUT": valueSocketOutput, "WSKT_V_SOCKET_PORT": valueSocketPort,
		"WSKT_V_SOCKET_MATCH": valueSocketMatch, "WSKT_V_SOCKET_TRANSPORTS": valueSocketTransports,
		"WSKT_V_SOCKET_EVENTS": valueSocketEvents, "WSKT_V_SOCKET_DISABLED": valueSocketDisabled,

		"WSKT_OP_PROVIDER": opProvider, "WSKT_OP_PROVIDER_STATE": opProviderState,
		"WSKT_PROVIDER_LEAVE": providerLeave, "WSKT_PROVIDER_READY": providerReady,
		"WSKT_PROVIDER_NOT_READY": providerNotReady, "WSKT_PROVIDER_AFTER": providerAfter,
		"WSKT_V_PROVIDER_REGISTRATIONS": valueProviderRegistrations, "WSKT_V_PROVIDER_CAPTURES": valueProviderCaptures,
		"WSKT_V_PROVIDER_WAITERS": valueProviderWaiters, "WSKT_V_PROVIDER_SOCKETS": valueProviderSockets,
		"WSKT_V_PROVIDER_BUSY": valueProviderBusy, "WSKT_V_PROVIDER_MISMATCHED": valueProviderMismatched,
		"WSKT_V_PROVIDER_REGISTER_CALLS":   valueProviderRegisterCalls,
		"WSKT_V_PROVIDER_DEREGISTER_CALLS": valueProviderDeregisterCalls,
		"WSKT_V_PROVIDER_CAPTURE_CALLS":    valueProviderCaptureCalls,
		"WSKT_V_PROVIDER_RELEASE_CALLS":    valueProviderReleaseCalls,

		"WSKT_CONTEXT_CALLER": contextCaller, "WSKT_CONTEXT_GUARD": contextGuard,
		"WSKT_CONTEXT_SPIN": contextSpin, "WSKT_CONTEXT_DPC": contextDPC,
		"WSKT_STEP_RECORD": stepRecord, "WSKT_STEP_MISUSE": stepMisuse, "WSKT_STEP_YIELD": stepYield,
		"WSKT_REG_EVENT_CALLBACK": regEventCallback, "WSKT_REG_CONTEXT": regContext,
		"WSKT_REG_STACK_NPI": regStackNPI, "WSKT_REG_FILLED_BLOCK": regFilledBlock,
		"WSKT_REG_POOL_BLOCK": regPoolBlock, "WSKT_REG_NULL_DISPATCH": regNullDispatch,
		"WSKT_REG_ZEROED_BLOCK": regZeroedBlock, "WSKT_REG_OPTIONS": regOptions,
		"WSKT_FAULT_WRITE": faultWrite, "WSKT_FAULT_BUGCHECK": faultBugcheck, "WSKT_FAULT_HANG": faultHang,
		"WSKT_ORIGIN_CALL": OriginCall, "WSKT_ORIGIN_REFUSED": OriginRefused, "WSKT_ORIGIN_TIMEOUT": OriginTimeout,
		"WSKT_ORIGIN_ASYNC": OriginAsync, "WSKT_ORIGIN_SKIPPED": OriginSkipped,

		"WSKT_V_REGISTER_EVENTS": valueRegisterEvents, "WSKT_V_REGISTER_VERSION": valueRegisterVersion, "WSKT_V_DEREGISTER_CAPTURES": valueDeregisterCaptures, "WSKT_V_DEREGISTER_TABLE_KEPT": valueDeregisterTableKept,
		"WSKT_V_NPI_VERSION": valueNPIVersion, "WSKT_V_NPI_RESERVED": valueNPIReserved,
		"WSKT_V_NPI_CLIENT_SET": valueNPIClientSet, "WSKT_V_NPI_DISPATCH_SET": valueNPIDispatchSet,
		"WSKT_V_NPI_SLOTS": valueNPISlots, "WSKT_V_NPI_CAPTURES": valueNPICaptures,
		"WSKT_V_NPI_SAME_CLIENT": valueNPISameClient, "WSKT_V_NPI_SAME_DISPATCH": valueNPISameDispatch,
		"WSKT_V_NPI_EVENTS": valueNPIEvents, "WSKT_V_QUERY_LOW": valueQueryLow, "WSKT_V_QUERY_HIGH": valueQueryHigh,
		"WSKT_V_QUERY_BETWEEN": valueQueryBetween, "WSKT_V_QUERY_BELOW": valueQueryBelow, "WSKT_V_QUERY_ABOVE": valueQueryAbove,
		"WSKT_V_COMPARE_SAME_CLIENT": valueCompareSameClient, "WSKT_V_COMPARE_SAME_DISPATCH": valueCompareSameDispatch,
		"WSKT_V_THREAD_STATUS": valueThreadStatus, "WSKT_V_THREAD_DONE": valueThreadDone, "WSKT_V_THREAD_NS": valueThreadNS,
		"WSKT_V_MEMORY_BYTES": valueMemoryBytes, "WSKT_V_MEMORY_GROWTH": valueMemoryGrowth,
		"WSKT_V_STATE_PHASE": valueStatePhase, "WSKT_V_STATE_STATUS": valueStateStatus,
		"WSKT_V_STATE_VERSION": valueStateVersion, "WSKT_V_STATE_NEGOTIATED": valueStateNegotiated,
		"WSKT_V_STATE_PORT": valueStatePort, "WSKT_V_STATE_ACCEPTED": valueStateAccepted,
		"WSKT_V_STATE_OPEN": valueStateOpen, "WSKT_V_STATE_BYTES": valueStateBytes,
		"WSKT_V_STATE_NPI_HELD": valueStateNPIHeld, "WSKT_V_STATE_ALLOCATIONS": valueStateAllocations,
		"WSKT_PHASE_INACTIVE": phaseInactive, "WSKT_PHASE_STARTING": phaseStarting,
		"WSKT_PHASE_LISTENING": phaseListening, "WSKT_PHASE_FAILED": phaseFailed, "WSKT_PHASE_STOPPING": phaseStopping,

		// What only package guest reads has its twins there (state.go).
		"WSKT_ACTIVITY_STEP": 1, "WSKT_ACTIVITY_IRP": 2, "WSKT_MAX_ACTIVITIES": 64,
		"WSKP_OP_UNLOAD": opUnload, "WSKP_OP_LOAD": opLoad, "WSKP_OP_RELOAD": opReload, "WSKP_OP_REBOOT": opReboot,
		"WSKP_OP_UNLOADED": opUnloaded, "WSKP_START_ACTIVATE": startActivate,
		"WSKP_BY_DRIVER": uint64(byDriver), "WSKP_BY_AGENT": uint64(byAgent), "WSKP_UNIT_AT_START": unitAtStart, "WSKP_UNIT_HEALTH": unitHealth, "WSKP_ROLE_CASE": uint64(RoleCase), "WSKP_ROLE_SET_UP": uint64(RoleSetUp),
		"WSKP_ROLE_TEAR_DOWN": uint64(RoleTearDown), "WSKP_MAX_SUITES": maxPlanSuites, "WSKP_UNIT_FLAGS": unitAtStart | unitHealth,
		"WSKP_V_UNLOAD_DEREGISTRATIONS": valueUnloadDeregistrations, "WSKP_V_UNLOAD_DEREGISTER_NS": valueUnloadDeregisterNS,
		"WSKP_V_UNLOAD_BLOCKS": valueUnloadBlocks, "WSKP_V_UNLOAD_SOCKETS": valueUnloadSockets,
		"WSKP_V_UNLOAD_CALLS": valueUnloadCalls, "WSKP_V_UNLOAD_LONGEST_NS": valueUnloadLongestNS,
		"WSKP_V_UNLOAD_POOL_GROWTH": valueUnloadPoolGrowth, "WSKP_V_UNLOAD_POOL_COUNTED": valueUnloadPoolCounted,
		"WSKP_V_UNLOAD_TIMES": valueUnloadTimes, "WSKP_V_UNLOAD_EARLY": valueUnloadEarly,
		"WSKP_V_LOAD_WIN32": valueLoadWin32, "WSKP_V_LOAD_INJECTED": valueLoadInjected,

		"WSKP_OP_START_FAILURES": opStartFailures, "WSKP_OP_ECHO": opEcho,
		"WSKP_ECHO_UNTIL_CLOSED": echoUntilClosed, "WSKP_ECHO_IDLE": echoIdle, "WSKP_ECHO_PROGRAM": echoProgram,
		"WSKP_ECHO_OPTIONS": echoOptions, "WSKP_ECHO_BYTES": echoBytes, "WSKP_ECHO_CONNECTIONS": echoConnections,
		"WSKP_V_FAILURES_ENTRY": valueFailuresEntry, "WSKP_V_FAILURES_LATER": valueFailuresLater,
		"WSKP_V_FAILURES_SURVIVED": valueFailuresSurvived, "WSKP_V_FAILURES_LEFT": valueFailuresLeft,
		"WSKP_V_FAILURES_DEVICES": valueFailuresDevices,
		"WSKP_V_ECHO_BYTES":       valueEchoBytes, "WSKP_V_ECHO_CONNECTIONS": valueEchoConnections, "WSKP_V_ECHO_CLOSED": valueEchoClosed,

		"WSKP_MAGIC": planMagic, "WSKP_VERSION": planVersion, "WSKP_MAX_FILE": planMaxFile,
		"WSKT_MAX_CHECKS": maxChecks, "WSKT_MAX_KEPT": maxKept, "WSKT_VALUE_ELAPSED_NS": valueElapsedNS, "WSKT_VALUE_MAX_NS": valueMaxNS,
		"WSKT_EQ": compareEQ, "WSKT_NE": compareNE, "WSKT_GE": compareGE, "WSKT_LE": compareLE, "WSKT_HAS": compareHas,
		"WSKP_PLAIN": planPlain, "WSKP_NEVER_UNLOAD": planNeverUnload, "WSKP_OP_UPLOAD": opUpload, "WSKP_OP_RUN": opRun, "WSKP_OP_IOCTL": opIoctl,
		"WSKP_OP_COLLECT": opCollect, "WSKP_OP_EVENT_LOG": opEventLog,
		"WSKP_RUN_STDOUT_REPORT": runStdoutReport, "WSKP_RUN_OPTIONS": runOptions,
		"WSKP_RUN_AT_NOTHING": runAtNothing, "WSKP_RUN_AT_FOLDER": runAtFolder, "WSKP_RUN_AT_OLD_REPORT": runAtOldReport,
		"WSKP_RUN_AT_START": runAtStart, "WSKP_RUN_AT_REPORT": runAtReport,
		"WSKP_V_RUN_AT": valueRunAt, "WSKP_V_RUN_MISSING": valueRunMissing,
		"WSKP_OP_REGISTRY": opRegistry, "WSKP_UPLOAD_REPLACE": uploadReplace, "WSKP_UPLOAD_OPTIONS": uploadOptions,
		"WSKP_REGISTRY_GET": registryGet, "WSKP_REGISTRY_SET": registrySet, "WSKP_REGISTRY_DELETE": registryDelete,
		"WSKP_V_REGISTRY_TYPE": valueRegistryType, "WSKP_V_REGISTRY_BYTES": valueRegistryBytes,
		"WSKP_RUN_AT_INPUT": runAtInput, "WSKP_V_RUN_LISTED": valueRunListed, "WSKP_MAX_WAIT_MS": maxAgentMs,
		"WSKP_GENERIC_BYTES": genericBytes, "WSKP_REPORT_BYTES": reportBytes,
		"WSKP_V_JOINED": valueJoined, "WSKP_V_JOINED_COUNT": valueJoinedCount,
		"WSKP_V_RUN_EXIT": valueRunExit, "WSKP_V_RUN_OUT": valueRunOut, "WSKP_V_RUN_ERR": valueRunErr,
		"WSKP_V_REQUEST_BYTES": valueRequestBytes, "WSKP_V_REQUEST_MATCH": valueRequestMatch,
		"WSKP_OP_OPEN": opOpen, "WSKP_OP_CLOSE": opCloseHandle, "WSKP_OP_READ": opRead, "WSKP_OP_WRITE": opWrite,
		"WSKP_ROOM_OF_BUFFER": roomOfBuffer, "WSKP_MAX_HANDLES": maxHandles, "WSKP_OPEN_SYNCHRONOUS": openSynchronous,
		"WSKP_CANCEL_THREAD": cancelThread, "WSKP_CANCEL_HANDLE": cancelHandle,
		"WSKP_TEXT_DEVICE": uint64(textDevice[0]), "WSKP_TEXT_INPUT": uint64(textInput[0]), "WSKP_TEXT_INPUT_FILE": 'I',
		"WSKP_TEXT_BUFFER": uint64(textBuffer[0]), "WSKP_TEXT_BUFFER_FILE": 'B',
		"WSKP_TEXT_OUTPUT": uint64(textOutput[0]), "WSKP_TEXT_CONTAINS": uint64(textContains[0]),
		"WSKP_V_FILE_BYTES": valueFileBytes,
	}
}

var (
	comment    = regexp.MustCompile(`(?s)/\*.*?\*/`)
	define     = regexp.MustCompile(`(?m)^#define\s+(WSK[TP]_\w+)\s+(.+)$`)
	enumBlock  = regexp.MustCompile(`(?s)enum\s*\{(.*?)\}`)
	enumerator = regexp.MustCompile(`(WSK[TP]_\w+)\s*=\s*(\w+)`)
	structure  = regexp.MustCompile(`(?s)typedef struct (\w+) \{(.*?)\} (\w+);`)
	field      = regexp.MustCompile(`^(\w+) (\w+)(?:\[(\w+)\])?$`)
	letter     = regexp.MustCompile(`^'(.)'`)
	product    = regexp.MustCompile(`^\(?(\w+)(?: \* (\w+))?(?: \* (\w+))?\)?$`)
)

func headers(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, name := range []string{"wskabi.h", "wskplan.h"} {
		data, err := os.ReadFile(filepath.Join(includeDir, name))
		if err != nil {
			t.Fatal(err)
		}
		all.Write(comment.ReplaceAll(data, nil))
	}
	return all.String()
}

func number(text string) (uint64, bool) {
	n, err := strconv.ParseUint(strings.TrimRight(text, "uU"), 0, 64)
	return n, err == nil
}

// TestNumbersMatchHeaders compares in both directions: a number that is new in a header has to be
// mirrored, and one that is gone has to go.
func TestNumbersMatchHeaders(t *testing.T) {
	text := headers(t)
	inHeaders := map[string]uint64{}
	for _, m := range define.FindAllStringSubmatch(text, -1) {
		if letter := letter.FindStringSubmatch(m[2]); letter != nil {
			inHeaders[m[1]] = uint64(letter[1][0])
			continue
		}
		parts := product.FindStringSubmatch(strings.TrimSpace(m[2]))
		if parts == nil {
			continue // device names, IOCTL codes
		}
		value, isNumber := uint64(1), true
		for _, factor := range parts[1:] {
			if factor != "" {
				n, ok := number(factor)
				value, isNumber = value*n, isNumber && ok
			}
		}
		if isNumber {
			inHeaders[m[1]] = value
		}
	}
	for _, block := range enumBlock.FindAllStringSubmatch(text, -1) {
		for _, m := range enumerator.FindAllStringSubmatch(block[1], -1) {
			n, ok := number(m[2])
			if !ok {
				t.Errorf("%s = %s is not a number", m[1], m[2])
			}
			inHeaders[m[1]] = n
		}
	}
	if len(inHeaders) < 80 {
		t.Fatalf("found only %d numbers in the headers: the parser misses some", len(inHeaders))
	}
	goSide := mirrored()
	for name, want := range inHeaders {
		if got, ok := goSide[name]; !ok {
			t.Errorf("%s = %d has no mirror", name, want)
		} else if got != want {
			t.Errorf("%s is %d here, %d in the header", name, got, want)
		}
	}
	for name := range goSide {
		if _, ok := inHeaders[name]; !ok {
			t.Errorf("%s is in no header", name)
		}
	}
}

// wireTypes are the Go twins of the C structures that a plan file is made of.
func wireTypes() map[string]reflect.Type {
	return map[string]reflect.Type{
		"WSKP_HEADER": reflect.TypeFor[wireHeader](), "WSKP_CASE": reflect.TypeFor[wireCase](),
		"WSKP_UNIT": reflect.TypeFor[wireUnit](), "WSKT_CHECK": reflect.TypeFor[wireCheck](),
		"WSKT_STEP": reflect.TypeFor[wireStep](), "WSKP_STEP": reflect.TypeFor[wirePlanStep](),
	}
}

func TestStructuresMatchHeaders(t *testing.T) {
	types := wireTypes()
	constants := mirrored()
	found := 0
	for _, m := range structure.FindAllStringSubmatch(headers(t), -1) {
		goType, ok := types[m[1]]
		if !ok {
			continue
		}
		found++
		var fields []string
		for _, line := range strings.Split(m[2], ";") {
			if line = strings.Join(strings.Fields(line), " "); line != "" {
				fields = append(fields, line)
			}
		}
		if len(fields) != goType.NumField() {
			t.Errorf("%s has %d fields, %s has %d", m[1], len(fields), goType, goType.NumField())
			continue
		}
		for i, line := range fields {
			parts := field.FindStringSubmatch(line)
			if parts == nil {
				t.Fatalf("%s: field %q", m[1], line)
			}
			want := cTypeName(goType.Field(i).Type, types)
			got := parts[1]
			if parts[3] != "" {
				count, ok := number(parts[3])
				if !ok {
					count = constants[parts[3]]
				}
				got = fmt.Sprintf("%s[%d]", parts[1], count)
			}
			if parts[2] != goType.Field(i).Name || got != want {
				t.Errorf("%s: %q is %s %s in %s", m[1], line, goType.Field(i).Name, want, goType)
			}
		}
	}
	if found != len(types) {
		t.Errorf("found %d of %d structures", found, len(types))
	}
}

func cTypeName(goType reflect.Type, types map[string]reflect.Type) string {
	switch goType.Kind() {
	case reflect.Uint8:
		return "UINT8"
	case reflect.Uint16:
		return "UINT16"
	case reflect.Uint32:
		return "UINT32"
	case reflect.Uint64:
		return "UINT64"
	case reflect.Array:
		return fmt.Sprintf("%s[%d]", cTypeName(goType.Elem(), types), goType.Len())
	}
	for name, candidate := range types {
		if candidate == goType {
			return name
		}
	}
	return goType.String()
}

// TestOffsetsMatchCompiler has the compiler that builds the driver prove sizes and offsets.
func TestOffsetsMatchCompiler(t *testing.T) {
	t.Parallel()
	const compiler = "x86_64-w64-mingw32-gcc"
	if _, err := exec.LookPath(compiler); err != nil {
		t.Skipf("%s is not installed: sizes and offsets are compared by TestStructuresMatchHeaders only", compiler)
	}
	var program bytes.Buffer
	program.WriteString("#include <stddef.h>\n#include \"wskplan.h\"\n")
	for name, goType := range wireTypes() {
		size := binary.Size(reflect.New(goType).Elem().Interface())
		fmt.Fprintf(&program, "_Static_assert(sizeof(%s) == %d, \"size of %s\");\n", name, size, name)
		offset := 0
		for i := range goType.NumField() {
			f := goType.Field(i)
			fmt.Fprintf(&program, "_Static_assert(offsetof(%s, %s) == %d, \"%s.%s\");\n", name, f.Name, offset, name, f.Name)
			offset += binary.Size(reflect.New(f.Type).Elem().Interface())
		}
	}
	fmt.Fprintf(&program, "_Static_assert(offsetof(WSKP_HEADER, Crc32) == %d, \"crcOffset\");\n", crcOffset)
	compile := func(source string) error {
		cmd := exec.Command(compiler, "-Wall", "-Werror", "-fsyntax-only", "-I", includeDir, "-x", "c", "-")
		cmd.Stdin = strings.NewReader(source)
		output, err := cmd.CombinedOutput()
		if err != nil {
			return fmt.Errorf("%w\n%s", err, output)
		}
		return nil
	}
	wrong := strings.Replace(program.String(), "sizeof(WSKT_STEP) == ", "sizeof(WSKT_STEP) == 1", 1)
	refused := make(chan error)
	go func() { refused <- compile(wrong) }()
	if err := compile(program.String()); err != nil {
		t.Error(err)
	}
	if <-refused == nil {
		t.Error("the compiler accepts a wrong size: the proof proves nothing")
	}
}
