package suites

import (
	"fmt"
	"math"

	"wskharness/driver/abi"
)

// Codes of WskControlClient and events (wsk.h), and what a socket may be.
func controlCodes() []named {
	return []named{{"transport_list", 2}, {"transport_change", 3}, {"cache_sd", 4}, {"release_sd", 5},
		{"static_callbacks", 7}, {"tdi_behavior", 8}}
}

func eventMasks() []named {
	const disable = 0x80000000
	return []named{{"accept", 0x200}, {"receive", 0x40}, {"disconnect", 0x80}, {"receive_from", 0x100},
		{"disable_accept", disable | 0x200}, {"disable_receive", disable | 0x40}, {"disable_disconnect", disable | 0x80}}
}

func socketKinds() []named {
	return []named{{"basic", 0}, {"listen", 1}, {"connection", 2}, {"datagram", 4}, {"stream", 8}}
}

func families() []named { return []named{{"inet", 2}, {"inet6", 23}, {"bad", 99}} }

func socketTypes() []named { return []named{{"stream", 1}, {"dgram", 2}} }

func protocols() []named { return []named{{"tcp", 6}, {"udp", 17}} }

func transports() []named { return []named{{"tcp", 1}, {"udp", 2}} }

// socketOperations are the steps about sockets and the client object's controls.
func socketOperations(client argument) []operation {
	socket := argument{name: "socket", kind: argSocket, required: true, doc: "the socket, by a name of the case's own"}
	option := func(name string, bit uint64, doc string) argument {
		return argument{name: name, kind: argBool, slot: 4, flag: bit, doc: doc}
	}
	pending := option("pending", abi.SocketPending, "return without waiting for the IRP; a later await does")
	nullIRP := option("null_irp", abi.SocketNullIRP, "make the call with a NULL IRP")
	wait := argument{name: "wait", kind: argDuration, slot: 5, initial: 2000, doc: "how long to wait for the IRP; 2s unless given"}
	to := argument{name: "to", kind: argSocket, slot: 1, required: true, doc: "the bound socket at the other end"}
	bytes := argument{name: "bytes", kind: argNumber, slot: 1, initial: 64, max: abi.SocketBytes, doc: "length of the buffer; 64 unless given"}
	offset := argument{name: "offset", kind: argNumber, slot: 2, shift: 8, max: abi.SocketBytes, doc: "where in its memory the buffer begins (WSK_BUF.Offset); 0 unless given"}
	pattern := argument{name: "pattern", kind: argNumber, slot: 2, max: 255, doc: "first byte of the pattern, which counts up from it; 0 unless given"}

	call := value{name: "returned", index: abi.ValueSocketCall, kind: valueStatus, doc: "what the call itself returned"}
	irp := value{name: "irp_status", index: abi.ValueSocketIRP, kind: valueStatus, doc: "the IRP's status; STATUS_PENDING while it has not completed"}
	completed := value{name: "completed", index: abi.ValueSocketCompleted, kind: valueBool, doc: "the IRP has completed"}
	set := value{name: "socket_set", index: abi.ValueSocketInformation, kind: valueBool, doc: "the IRP's Information is not 0: there is a socket"}
	count := value{name: "transferred", index: abi.ValueSocketInformation, doc: "the IRP's Information: bytes"}
	match := value{name: "matches", index: abi.ValueSocketMatch, kind: valueBool, doc: "the bytes received are those of the pattern, and nothing was written beside the buffer"}
	port := value{name: "port", index: abi.ValueSocketPort, doc: "the port, 0 where it is not known"}
	both := func(more ...value) []value { return append([]value{call, irp, completed}, more...) }
	guard := []contextName{atGuard(), atPassive()}
	closing := socket
	closing.closes = true
	step := func(name string, code uint32, doc string, values []value, args ...argument) operation {
		return operation{name: name, code: code, doc: doc, values: values, args: args,
			contexts: guard, guard: guardAlways, thread: true, loop: true, always: true, socket: true}
	}
	with := func(read func(*caseParser, stepReading), o operation) operation {
		o.read = read
		return o
	}
	buffer, owner := (*caseParser).socketBuffer, (*caseParser).owner
	return []operation{
		step("socket", abi.OpSocket, "Calls WskSocket with the NPI that the client has captured.", both(set),
			client,
			argument{name: "socket", kind: argMaking, slot: 1, required: true, doc: "a name for the socket"},
			argument{name: "kind", kind: argName, slot: 2, required: true, names: socketKinds(), doc: "category of the socket"},
			argument{name: "family", kind: argName, slot: 3, initial: 2, names: families(), doc: "address family; inet unless given"},
			argument{name: "type", kind: argName, slot: 3, shift: 16, initial: 1, names: socketTypes(), doc: "socket type; stream unless given"},
			argument{name: "protocol", kind: argName, slot: 3, shift: 32, initial: 6, names: protocols(), doc: "protocol; tcp unless given"},
			argument{name: "event_socket", kind: argMaking, slot: 2, shift: 8, plus: 1, doc: "a name for the socket that the event callback accepts"},
			option("event_accept", abi.SocketEventAccept, "a WskAcceptEvent that accepts the connection as event_socket"),
			option("event_reject", abi.SocketEventReject, "a WskAcceptEvent that returns STATUS_REQUEST_NOT_ACCEPTED"),
			option("event_disable", abi.SocketEventDisable, "a WskAcceptEvent that disables itself with a NULL IRP"),
			option("null_client", abi.SocketNullClient, "call with a NULL client; the IRP is then not waited for"),
			nullIRP, pending, wait),
		step("socket_connect", abi.OpSocketConnect, "Calls WskSocketConnect: creates, binds and connects.", both(set),
			client,
			argument{name: "socket", kind: argMaking, slot: 1, required: true, doc: "a name for the socket"},
			argument{name: "to", kind: argSocket, slot: 2, required: true, doc: "the bound socket at the other end"},
			pending, wait),
		step("bind", abi.OpBind, "Calls WskBind with the loopback address; others find the socket by its name.", both(port),
			socket, pending, wait),
		step("connect", abi.OpConnect, "Calls WskConnect.", both(), socket, to, pending, wait),
		step("accept", abi.OpAccept, "Calls WskAccept.", both(set),
			socket, argument{name: "accepted", kind: argMaking, slot: 1, required: true, doc: "a name for the accepted socket"},
			option("no_addresses", abi.SocketNoAddresses, "with NULL for the addresses that it may tell"), pending, wait),
		with(buffer, step("send", abi.OpSend, "Calls WskSend with bytes that count up.", both(count), socket, bytes, offset, pattern, pending, wait)),
		with(buffer, step("receive", abi.OpReceive, "Calls WskReceive, and compares what came with the pattern.", both(count, match),
			socket, bytes, offset, pattern, pending, wait)),
		with(buffer, step("send_to", abi.OpSendTo, "Calls WskSendTo.", both(count), socket, bytes, offset, pattern,
			argument{name: "to", kind: argSocket, slot: 3, required: true, doc: "the bound socket at the other end"}, pending, wait)),
		with(buffer, step("receive_from", abi.OpReceiveFrom, "Calls WskReceiveFrom, and compares what came with the pattern.", both(count, match),
			socket, bytes, offset, pattern, pending, wait)),
		step("disconnect", abi.OpDisconnect, "Calls WskDisconnect.", both(), socket,
			option("abortive", abi.SocketAbortive, "with WSK_FLAG_ABORTIVE"), pending, wait),
		step("close", abi.OpClose, "Calls WskCloseSocket.", both(), closing, pending, wait),
		step("address", abi.OpAddress, "Calls WskGetLocalAddress or WskGetRemoteAddress.", both(port), socket,
			option("remote", abi.SocketRemote, "ask for the peer's address"), pending, wait),
		step("control_socket", abi.OpControlSocket, "Calls WskControlSocket to enable or disable event callbacks.", both(), socket,
			argument{name: "events", kind: argName, slot: 1, required: true, names: eventMasks(), doc: "which event"}, nullIRP, pending, wait),
		step("control_client", abi.OpControlClient, "Calls WskControlClient.",
			both(value{name: "output", index: abi.ValueSocketOutput, doc: "OutputSizeReturned"},
				value{name: "transports", index: abi.ValueSocketTransports, kind: valueSlots, names: transports(), doc: "transports in the list"}),
			client, argument{name: "control", kind: argName, slot: 1, required: true, names: controlCodes(), doc: "the control code"},
			argument{name: "size", kind: argNumber, slot: 2, max: abi.SocketBytes, doc: "of transport_list: size of the output buffer; 0 unless given"},
			argument{name: "value", kind: argNumber, slot: 2, max: math.MaxUint32, hex: true, doc: "of static_callbacks: the event mask; of tdi_behavior: the behaviour"},
			option("retry", abi.SocketRetry, "of transport_list: again with the size that was asked for"), pending, wait),
		with(owner, step("await", abi.OpAwait, "Waits for the IRP of the oldest operation that was left pending.",
			both(count, match),
			argument{name: "socket", kind: argSocket, closed: true, doc: "the socket whose operation it is"},
			argument{name: "client", kind: argClient, doc: "the client whose operation it is"}, wait)),
		with(owner, step("cancel", abi.OpCancel, "Calls IoCancelIrp for the oldest pending operation.", []value{},
			argument{name: "socket", kind: argSocket, doc: "the socket whose operation it is"},
			argument{name: "client", kind: argClient, doc: "the client whose operation it is"})),
		step("events", abi.OpEvents, "Waits for calls of a listening socket's event callback.",
			[]value{{name: "seen", index: abi.ValueSocketEvents, doc: "calls so far"},
				{name: "disabled", index: abi.ValueSocketDisabled, kind: valueStatus, doc: "what WskControlSocket returned to the callback that disabled itself"}},
			socket, argument{name: "count", kind: argNumber, slot: 1, initial: 1, max: 1000, doc: "how many; 1 unless given"}, wait),
	}
}

// socketBuffer holds length and offset of a buffer to what there is for both.
func (p *caseParser) socketBuffer(in stepReading) {
	s := in.step
	if offset := s.args[2] >> 8; s.args[1]+offset > abi.SocketBytes {
		p.r.At(in.given["offset"], fmt.Sprintf("at most %d", abi.SocketBytes-s.args[1]), "%d bytes at offset %d don't fit: the buffer has %d", s.args[1], offset, abi.SocketBytes)
	}
}

// owner checks that a step about a pending operation says whose.
func (p *caseParser) owner(in stepReading) {
	given := in.given
	if (given["socket"] == nil) == (given["client"] == nil) {
		p.r.At(in.body, "socket or client", "%s needs a socket or a client, and not both", in.step.Op)
	}
	if given["client"] != nil {
		in.step.args[4] |= abi.SocketClient
	}
}
