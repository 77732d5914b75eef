package suites

import (
	"cmp"
	"slices"
	"time"

	"wskharness/driver/abi"
)

// operations is the table of steps. Order is the order of the reference.
func operations() []operation {
	client := argument{name: "client", kind: argClient, required: true, doc: "the client, by a name of the case's own"}
	all := slices.Concat(clientOperations(client), threadOperations(), sampleOperations(), providerOperations(), faultOperations(),
		socketOperations(client), driverOperations(), echoOperations(), rebootOperations(),
		uploadOperations(), programOperations(), collectOperations(), registryOperations(), eventLogOperations(), deviceOperations())
	for i := range all {
		if all[i].contexts == nil {
			all[i].contexts = []contextName{atPassive()}
		}
	}
	return all
}

// executor is who executes a step: the driver under test, or the agent beside it. Steps of the agent are
// those that are about the driver as a whole, or about the machine.
type executor uint32

const (
	byDriver executor = abi.PlanByDriver
	byAgent  executor = abi.PlanByAgent
)

// agentTimeout is how long a step of the agent may take, beyond what it waits by its own word, before it counts as hung: it
// starts and stops services and programs, and on a busy machine that is slow.
const agentTimeout = 30 * time.Second

// agentOperation completes a row of an operation that the agent executes.
func agentOperation(o operation) operation {
	o.executor, o.timeout = byAgent, cmp.Or(o.timeout, agentTimeout)
	return o
}
