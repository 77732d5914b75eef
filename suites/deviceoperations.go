package suites

import (
	"cmp"
	"math"
	"time"

	"wskharness/driver/abi"
)

// requestPatience is how long a request may take, beyond what it waits by its own word, before it is late.
const requestPatience = 10 * time.Second

// deviceOperations are the steps about a device: its handles, and requests to it. The agent performs them.
func deviceOperations() []operation {
	device := argument{name: "device", kind: argText, doc: `the device, which is opened for this request alone: NAME for \\.\NAME`}
	handle := argument{name: "handle", kind: argHandle, slot: slotHandle, plus: 1, doc: "the handle that an open step has made, instead of the device"}
	input := argument{name: "in", kind: argData, doc: "the input: {hex: 00 ff}, {text: abc}, {utf16: abc} or {file: path here}; none unless given"}
	room := argument{name: "room", kind: argNumber, slot: slotRoom, max: abi.PlanGenericBytes, initial: defaultRoom, doc: "size of the output buffer in bytes; as much as buffer has, else 4096, unless given"}
	out := argument{name: "out", kind: argPattern, doc: "the output, which has to be exactly this; `??` stands for any byte. Or {contains: …}, one or a list"}
	cancelAfter := argument{name: "cancel_after", kind: argDuration, slot: slotCancel, plus: 1, doc: "the request is cancelled when it has not come back by then"}
	offset := argument{name: "offset", kind: argNumber, slot: 0, max: math.MaxInt64, doc: "where in the device; 0 unless given"}
	transferred := []value{{name: "bytes", index: abi.PlanValueRequestBytes, doc: "bytes that the driver says that were transferred"}}
	op := func(o operation) operation {
		o.executor, o.loop, o.patience = byAgent, true, cmp.Or(o.patience, requestPatience)
		o.contexts = []contextName{atPassive()}
		if o.request {
			o.thread, o.values = true, transferred
		}
		return o
	}
	return []operation{
		op(operation{name: "open", code: abi.PlanOpOpen,
			doc: "Opens a device. Requests can be made on the handle until it is closed, by a close step or with the case.",
			args: []argument{
				{name: "handle", kind: argOpening, required: true, doc: "a name for the handle"},
				{name: "device", kind: argText, required: true, doc: `the device's name: NAME for \\.\NAME`},
				{name: "synchronous", kind: argBool, slot: 1, flag: abi.PlanOpenSynchronous, doc: "without FILE_FLAG_OVERLAPPED: one request at a time, for which its thread waits in the kernel"},
			}}),
		op(operation{name: "close", code: abi.PlanOpClose, variant: []string{"handle"},
			doc:  "Closes a handle; what the driver does about requests that are out on it they tell when they are joined.",
			args: []argument{{name: "handle", kind: argHandle, required: true, doc: "the handle"}}}),
		op(operation{name: "ioctl", code: abi.PlanOpIoctl, request: true,
			doc: "Sends a device one request (NtDeviceIoControlFile), and waits for what comes of it. The status is the driver's, or that of what failed before.",
			args: []argument{device, handle,
				{name: "code", kind: argControlCode, slot: 0, required: true, doc: "the control code, as a number or as CTL_CODE(type, function, method, access)"},
				input,
				{name: "buffer", kind: argData, doc: "what the output buffer holds before the call: with METHOD_IN_DIRECT it is a second input"},
				room, out, cancelAfter}}),
		op(operation{name: "read", code: abi.PlanOpRead, request: true, doc: "Reads from a device (NtReadFile).",
			args: []argument{device, handle, offset, room, out, cancelAfter}}),
		op(operation{name: "write", code: abi.PlanOpWrite, request: true, doc: "Writes to a device (NtWriteFile).",
			args: []argument{device, handle, offset, input, cancelAfter}}),
		op(operation{name: "cancel", code: abi.OpCancel, variant: []string{"thread", "handle"}, patience: patience,
			doc: "Cancels a request to a device that is out on a thread, or all that are out on a handle (CancelIoEx, CancelSynchronousIo). STATUS_NOT_FOUND: none was. What the driver makes of it the request itself tells when it is joined.",
			args: []argument{
				{name: "thread", kind: argThread, doc: "the thread that has made the request"},
				{name: "handle", kind: argHandle, doc: "the handle, and whatever is out on it"},
			}}),
	}
}
