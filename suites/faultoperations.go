package suites

import (
	"math"
	"slices"
	"strings"

	"wskharness/driver/abi"
)

// faultOperations is the step that shows what becomes of a machine that a driver breaks.
func faultOperations() []operation {
	return []operation{
		{name: "fault", code: abi.OpFault, misuse: true, read: (*caseParser).fault,
			doc: "Breaks the machine on purpose.",
			args: []argument{
				{name: "kind", kind: argName, required: true, doc: "what to break",
					names: []named{{"write", abi.FaultWrite}, {"bugcheck", abi.FaultBugcheck}, {"hang", abi.FaultHang}}},
				{name: "address", kind: argNumber, slot: 1, max: math.MaxUint64, hex: true, doc: "of kind write: where to write"},
				{name: "code", kind: argNumber, slot: 1, max: math.MaxUint32, hex: true, doc: "of kind bugcheck: the stop code"},
				{name: "parameters", kind: argNumbers, slot: 2, max: math.MaxUint64, hex: true, doc: "of kind bugcheck: up to four parameters"},
				{name: "for", kind: argDuration, slot: 1, doc: "of kind hang: how long"},
			}},
	}
}

// fault checks that a fault has the arguments of its kind and no others.
func (p *caseParser) fault(in stepReading) {
	given := in.given
	if given["kind"] == nil {
		return
	}
	allowed := map[uint64][]string{
		abi.FaultWrite:    {"kind", "address"},
		abi.FaultBugcheck: {"kind", "code", "parameters"},
		abi.FaultHang:     {"kind", "for"},
	}[in.step.args[0]]
	for name, n := range given {
		if allowed != nil && !slices.Contains(allowed, name) {
			p.r.At(n, strings.Join(allowed, ", "), "a fault of this kind takes no %s", name)
		}
	}
	if len(allowed) > 1 && given[allowed[1]] == nil {
		p.r.At(in.body, allowed[1]+": …", "a fault of this kind has no %s", allowed[1])
	}
}
