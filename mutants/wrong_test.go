//go:build linux

package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"wskharness/config"
	"wskharness/harness"
	"wskharness/results"
	"wskharness/strictyaml"
	"wskharness/suites"
	"wskharness/testtime"
	"wskharness/vm/kinds"
)

var wrongExpectations = flag.Int("wrong", 30, "how many wrong expectations to try; 0: all")

// flip is one expectation of a builtin case, turned into a wrong one.
type flip struct {
	file, id string
	from     int // the case's first line, from 0
	to       int // the line after its last one
	step     int // the line of the step
	line     int // the line that changes
	column   int // of old in it; from 0
	old, new string
}

// text is the case with the wrong expectation, under a name of its own.
func (f flip) text(lines []string, id string) []string {
	changed := slices.Clone(lines[f.from:f.to])
	changed[0] = strings.Replace(changed[0], "id: "+f.id, "id: "+id, 1)
	line := &changed[f.line-f.from]
	if f.old == "" { // a line more
		return slices.Insert(changed, f.line-f.from, f.new)
	}
	*line = (*line)[:f.column] + f.new + (*line)[f.column+len(f.old):]
	return changed
}

// The keys of checks, by how they are made wrong.
var (
	truths   = []string{"client_set", "dispatch_set", "completed", "socket_set", "matches", "negotiated", "npi_held"}
	counts   = []string{"captures", "events", "seen", "transferred", "registrations", "waiters", "sockets", "busy", "mismatched", "register_calls", "deregister_calls", "capture_calls", "release_calls", "open", "allocations", "output_at_least"}
	statuses = []string{"error", "returned", "irp_status", "disabled", "expect"}
	// calls are operations that have to succeed where no expectation is written.
	calls = []string{"register", "capture", "query", "socket", "bind", "connect", "send", "receive", "disconnect", "close", "address", "control_client", "join", "activate", "await"}
)

// wrong gives another value that a check can have.
func wrong(key, value string) string {
	switch {
	case slices.Contains(truths, key):
		return map[string]string{"true": "false", "false": "true"}[value]
	case slices.Contains(counts, key):
		if n, err := strconv.Atoi(value); err == nil {
			return strconv.Itoa(n + 1000)
		}
	case slices.Contains(statuses, key) && strings.HasPrefix(value, "STATUS_"):
		if value == "STATUS_INVALID_NETWORK_RESPONSE" {
			return ""
		}
		return "STATUS_INVALID_NETWORK_RESPONSE"
	case key == "phase":
		return map[string]string{"listening": "failed", "failed": "listening", "inactive": "listening"}[value]
	}
	return ""
}

func child(n *strictyaml.Node, key string) *strictyaml.Node {
	for _, p := range n.Pairs {
		if p.Key.Text == key {
			return p.Value
		}
	}
	return nil
}

// flipsOf finds every expectation of one builtin suite that can be turned.
func flipsOf(t *testing.T, file, text string) []flip {
	t.Helper()
	r := strictyaml.NewReporter(file)
	root := strictyaml.Parse([]byte(text), r)
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	cases := child(root, "cases").Items
	var flips []flip
	for i, c := range cases {
		// What is only noted can't be wrong; and in a loop the step that is short of runs comes first.
		if child(c, "basis") != nil || child(c, "misuse") != nil || child(c, "parallel") != nil {
			continue
		}
		f := flip{file: file, id: child(c, "id").Text, from: c.Line - 1, to: strings.Count(text, "\n")}
		if i+1 < len(cases) {
			f.to = cases[i+1].Line - 1
		}
		for _, step := range child(c, "steps").Items {
			if child(step, "record") != nil || child(step, "loop") != nil {
				continue
			}
			flips = append(flips, f.ofStep(step)...)
		}
	}
	return flips
}

func (f flip) ofStep(step *strictyaml.Node) []flip {
	var flips []flip
	f.step = step.Line - 1
	add := func(key string, n *strictyaml.Node) {
		if n.Kind != strictyaml.ScalarKind {
			return
		}
		if to := wrong(key, n.Text); to != "" {
			g := f
			g.line, g.column, g.old, g.new = n.Line-1, n.Column-1, n.Text, to
			flips = append(flips, g)
		}
	}
	op, body := step.Pairs[0].Key.Text, step.Pairs[0].Value
	for _, p := range body.Pairs {
		// Of a step of the model's the same words are what it is told.
		if op != "provider" {
			add(p.Key.Text, p.Value)
		}
	}
	for _, p := range step.Pairs[1:] {
		add(p.Key.Text, p.Value)
	}
	if slices.Contains(calls, op) && child(step, "expect") == nil && child(body, "thread") == nil || op == "join" && child(step, "expect") == nil {
		g := f
		g.line, g.new = step.Line, strings.Repeat(" ", step.Column-1)+"expect: STATUS_INVALID_NETWORK_RESPONSE"
		if last := lastLine(step); last >= g.line {
			g.line = last
		}
		flips = append(flips, g)
	}
	return flips
}

// lastLine is the line, from 1, on which the last value of a node begins.
func lastLine(n *strictyaml.Node) int {
	last := n.Line
	for _, item := range n.Items {
		last = max(last, lastLine(item))
	}
	for _, p := range n.Pairs {
		last = max(last, lastLine(p.Value))
	}
	return last
}

// TestModelIsNoEcho turns expectations of the builtin suites into wrong ones, one at a time, and runs them on the
// model: each has to fail, at the step that expects what is wrong. A model that said whatever the suites want to hear
// would pass.
func TestModelIsNoEcho(t *testing.T) {
	t.Parallel()
	env := testEnv(t)
	head := []string{"suite: wrong", "doc: Expectations of the builtin suites, made wrong", "cases:"}
	var flips []flip
	sources := map[string][]string{}
	for _, s := range suites.Builtin() {
		if !strings.Contains(string(s.Data), "\ncases:") {
			continue
		}
		sources[s.Name] = strings.Split(string(s.Data), "\n")
		for _, f := range flipsOf(t, s.Name, string(s.Data)) {
			// Not every one makes a suite: a status that is a failure has no values beside it.
			alone := strings.Join(append(slices.Clone(head), f.text(sources[s.Name], f.id)...), "\n")
			if _, err := suites.Load(suites.Source{Name: f.id, Data: []byte(alone)}); err == nil {
				flips = append(flips, f)
			}
		}
	}
	if len(flips) < 400 {
		t.Fatalf("only %d expectations were found", len(flips))
	}
	t.Logf("%d expectations can be made wrong", len(flips))
	if n := *wrongExpectations; n > 0 && n < len(flips) {
		var some []flip
		for i := range n {
			some = append(some, flips[i*len(flips)/n])
		}
		flips = some
	}

	lines := slices.Clone(head)
	places := map[string]int{} // line of the step in the file, from 1, by case
	for i, f := range flips {
		id := fmt.Sprintf("%s_%d", f.id, i)
		places["wrong."+id] = len(lines) + f.step - f.from + 1
		lines = append(lines, f.text(sources[f.file], id)...)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"wrong.yaml": strings.Join(lines, "\n") + "\n",
		config.Name:  "targets: {model: {provider: wine, netio: model}}\nsuites: [wrong.yaml]\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	config, err := config.Load(kinds.All(), "", dir)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := harness.NewPlan(harness.Request{Config: config, Out: config.Out, Selection: suites.Selection{Patterns: []string{"wrong"}}})
	if err != nil {
		t.Fatal(err)
	}
	ctx := testtime.Context(t)
	done, err := plan.Run(ctx, env)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range done.Record.Targets[0].Cases {
		if c.Final != results.Fail {
			t.Errorf("%s is called %s", c.Name, c.Final)
			continue
		}
		d := c.Attempts[0].Verdict.Deviation
		if d == nil || !strings.HasSuffix(d.Place, fmt.Sprintf(":%d", places[c.Name])) {
			t.Errorf("%s failed, but not at line %d: %s", c.Name, places[c.Name], message(&c))
		}
	}
	if got := len(done.Record.Targets[0].Cases); got != len(flips) {
		t.Errorf("%d cases ran, of %d", got, len(flips))
	}
}
