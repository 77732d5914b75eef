package suites

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"wskharness/driver/abi"
	"wskharness/strictyaml"
	"wskharness/suites/output"
)

// programOperations is the step that runs a program in the guest.
func programOperations() []operation {
	return []operation{
		agentOperation(operation{name: "run", code: abi.PlanOpRun, scalar: "program", thread: true,
			longest: longestProgram, read: (*caseParser).program, failed: (*judgement).programFailed,
			doc: "Runs a program in the guest, in the case's folder, and waits until it ends; it, and what it started, is ended when its time is up (STATUS_TIMEOUT). On a thread it runs in the background, and the join has what it came to; at the case's end it is ended.",
			args: []argument{
				{name: "program", kind: argPath, required: true, doc: "the program: a path, or a name that Windows finds"},
				{name: "args", kind: argTexts, doc: "its arguments"},
				{name: "limit", kind: argDuration, slot: 0, initial: 10000, doc: "how long it may take, at most 23h; 10s unless given"},
				{name: "env", kind: argEnv, doc: "environment variables that it gets beside the agent's, `{NAME: text}`; `NAME: null` takes one out. They are in the plan and the record: no place for secrets"},
				{name: "stdin", kind: argInput, doc: "its standard input: {text: …}, {utf16: …}, {hex: …}, or {file: …}, a file of the guest; none unless given"},
				{name: "stdout", kind: argOutput, doc: "what it has to write: {equals: …}, {contains: …} or {matches: …}, of which the last is a regular expression (RE2)"},
				{name: "stderr", kind: argOutput, doc: "likewise, of its standard error"},
				{name: "tap", kind: argPath, doc: "its results as TAP: `stdout`, or a file that it writes, which is taken away first if it is there. Every test has to be ok, and there has to be a plan"},
				{name: "junit", kind: argPath, doc: "its results as JUnit XML: `stdout`, or a file that it writes, which is taken away first if it is there. No test may have failed, and there has to be one"},
			},
			values: []value{
				{name: "exit", index: abi.PlanValueRunExit, kind: valueExit, doc: "its exit code, which a negative number may be, too, or a list of those that will do; 0 unless the step says otherwise"},
				{name: "stdout_bytes", index: abi.PlanValueRunOut, kind: valueBytes, doc: "how much it wrote"},
				{name: "stderr_bytes", index: abi.PlanValueRunErr, kind: valueBytes, doc: "how much it wrote to its standard error"},
			}}),
	}
}

const (
	maxArguments = 64
	maxCommand   = 8000 // characters of a command line
)

func (p *caseParser) program(in stepReading) {
	s, given, words, g := in.step, in.given, in.words, p.generic(in.step)
	defer g.listExits(s.Checks)
	program, ok := p.guestPath(given["program"], "run: program")
	if !ok {
		return
	}
	words.parts[0] += " " + program
	g.run = &runStep{program: program}
	if s.async() {
		s.wait = 0 // the join waits
	}
	command := ""
	if n := given["args"]; n != nil {
		if n.Kind != strictyaml.SequenceKind || len(n.Items) == 0 || len(n.Items) > maxArguments {
			p.r.At(n, fmt.Sprintf("a list of 1 to %d texts", maxArguments), "run: args is %s", n.CountOrKind())
			return
		}
		for _, item := range n.Items {
			text, ok := p.r.Raw(item, "an argument")
			if ok && text != "" && !plainText.MatchString(text) {
				p.r.At(item, "a text of one line", "an argument is %s", item.Describe())
				ok = false
			}
			if !ok {
				return
			}
			command += " " + quoteArgument(text)
			words.parts[0] += " " + text
			if namesFile(text) {
				g.run.looks = append(g.run.looks, strings.ReplaceAll(text, "/", `\`))
			}
		}
	}
	if len(command) > maxCommand {
		p.r.At(given["args"], fmt.Sprintf("at most %d characters", maxCommand), "the command line has %d characters", len(command))
	}
	if command == "" {
		command = " " // the agent wants a text; a list has no empty ones
	}
	g.texts = []string{program, command}
	p.programOutputs(s, g, given)
	p.report(s, g, given)
	p.environment(g, given["env"])
	p.input(g, given["stdin"])
	for _, file := range g.run.looks {
		g.texts = append(g.texts, "look", file)
	}
}

// programOutputs reads what a program has to write, in the step that runs it or in the join of its thread.
func (p *caseParser) programOutputs(s *Step, g *generic, given map[string]*node) {
	for _, stream := range []output.Stream{output.Stdout, output.Stderr} {
		key := stream.String()
		if n := given[key]; n != nil && !p.onThread(s, n, key) {
			g.outputs = append(g.outputs, output.Read(p.r.Reporter, n, s.op.name+": "+key, stream)...)
		}
	}
}

func (p *caseParser) report(s *Step, g *generic, given map[string]*node) {
	if given["tap"] != nil && given["junit"] != nil {
		p.r.At(given["junit"], "one of tap and junit", "run has both tap and junit")
		return
	}
	for kind, name := range map[reportKind]string{reportTAP: "tap", reportJUnit: "junit"} {
		n := given[name]
		if n == nil {
			continue
		}
		g.report = kind
		if n.Text == "stdout" {
			g.stdout = true
			s.args[1] |= abi.PlanRunStdoutReport
			continue
		}
		if file, ok := p.guestPath(n, "run: "+name); ok {
			p.ownReport(g.run, file, n)
			g.run.report = file
			g.texts = append(g.texts, "report", file)
		}
	}
}

// ownReport holds that the report is a file of its own: whatever is there is taken away before the program runs.
func (p *caseParser) ownReport(run *runStep, file string, n *node) {
	if strings.EqualFold(file, run.program) {
		p.r.At(n, "a file that the program writes", "the report %s is the program", file)
	}
	if ofAgent(file) {
		p.r.At(n, "another place", "the report %s is the agent's own", file)
	}
	for _, name := range slices.Sorted(maps.Keys(p.threads)) {
		t := p.threads[name]
		if t.busy && t.generic != nil && t.generic.run != nil && strings.EqualFold(t.generic.run.report, file) {
			p.r.At(n, "a report of its own, or a join before it", "the report %s is that of the program on thread %q, since line %d", file, name, t.at.Line)
		}
	}
	for _, s := range p.c.Steps {
		if s.generic != nil && strings.EqualFold(s.generic.brings, file) {
			p.r.At(n, "a file that the program writes", "the report %s is uploaded on line %d, and would be taken away before the program runs", file, s.Line)
		}
	}
}

// quoteArgument writes an argument as the C runtime of Windows takes it apart again: in quotes where there is a blank or
// a quote in it; then backslashes before a quote count twice.
func quoteArgument(text string) string {
	if text != "" && !strings.ContainsAny(text, " \t\"") {
		return text
	}
	var b strings.Builder
	b.WriteByte('"')
	slashes := 0
	for _, r := range text {
		switch r {
		case '\\':
			slashes++
			continue
		case '"':
			b.WriteString(strings.Repeat(`\`, 2*slashes+1))
		default:
			b.WriteString(strings.Repeat(`\`, slashes))
		}
		slashes = 0
		b.WriteRune(r)
	}
	b.WriteString(strings.Repeat(`\`, 2*slashes))
	b.WriteByte('"')
	return b.String()
}
