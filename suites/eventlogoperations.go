package suites

import (
	"fmt"
	"strings"
	"time"

	"wskharness/driver/abi"
)

// eventLogOperations is the step that waits for a line of an event log.
func eventLogOperations() []operation {
	return []operation{
		agentOperation(operation{name: "event_log", code: abi.PlanOpEventLog, read: (*caseParser).eventLog, timeout: 10 * time.Second, requires: CapabilityEventLog,
			doc: "Waits for a line of Windows's event log that was written since the case began (else STATUS_TIMEOUT).",
			args: []argument{
				{name: "channel", kind: argText, doc: "the log; System unless given"},
				{name: "source", kind: argText, doc: "the provider that wrote it"},
				{name: "id", kind: argNumber, slot: 1, max: 65535, doc: "its event id"},
				{name: "contains", kind: argText, doc: "what its XML contains"},
				{name: "wait", kind: argDuration, slot: 0, initial: 5000, doc: "how long to wait for it; 5s unless given"},
			}}),
	}
}

func (p *caseParser) eventLog(in stepReading) {
	given, words := in.given, in.words
	text := func(key, otherwise string) string {
		n := given[key]
		if n == nil {
			return otherwise
		}
		text, ok := p.text(n, "event_log: "+key)
		if ok && key != "contains" && strings.ContainsAny(text, `'"`) {
			p.r.At(n, "a name without quotes", "event_log: %s is %s", key, n.Describe())
		}
		return text
	}
	channel, source, contains := text("channel", "System"), text("source", ""), text("contains", "")
	if source == "" && contains == "" && given["id"] == nil {
		p.r.At(in.body, "source, id or contains", "event_log takes any line")
	}
	conditions := " "
	if source != "" {
		conditions = "Provider[@Name='" + source + "'] and "
		words.add("of " + source)
	}
	if given["id"] != nil {
		conditions += fmt.Sprintf("(EventID=%d) and ", in.step.args[1])
	}
	g := p.generic(in.step)
	g.texts = []string{channel, conditions}
	if contains != "" {
		g.texts = append(g.texts, contains)
		words.add(fmt.Sprintf("with %q", contains))
	}
	words.parts[0] += " " + channel
}
