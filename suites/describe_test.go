package suites

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDescribe(t *testing.T) {
	catalog := load(t, `suite: s
doc: d
cases:
  - id: c
    doc: Everything at once.
    source: nf-x
    tags: [x, y]
    requires: [wsk-rundown]
    steps:
      - register: {client: a, version: 1.0, event_callback: true}
      - capture: {client: a, wait: 100ms, captures_at_least: 1}
        within: 1s
        repeat: 1
      - loop:
          repeat: 100
          parallel: 4
          shared: true
          steps:
            - capture: {client: a, wait: none, at: dpc}
              expect: [STATUS_SUCCESS, STATUS_DEVICE_NOT_READY]
            - sleep: {for: 1ms}
      - release: {client: a, at: dispatch}
        repeat: 2
      - query: {client: a}
        record: true
      - deregister: {client: a, thread: t1}
      - blocked: {thread: t1, for: 1500ms}
      - memory: {growth_at_most: 1536B}
      - join: {thread: t1}
  - id: loop
    doc: A case that is a loop.
    parallel: 2
    steps:
      - register: {client: b}
      - deregister: {client: b}
  - id: fault
    doc: A case that breaks things.
    basis: wine-test
    misuse: true
    steps:
      - fault: {kind: write, address: 0x10}
`)
	const want = `s.c
  Everything at once.
  basis: documented, nf-x; timeout 30s; tags: x, y; requires: wsk-rundown
   1. register a, version 1.0, event callback → STATUS_SUCCESS
   2. capture a, wait 100ms, captures at least 1, within 1s → STATUS_SUCCESS
  100 times on each of 4 threads, with the same clients:
     3. capture a, no wait, in a DPC → STATUS_SUCCESS or STATUS_DEVICE_NOT_READY
     4. sleep, for 1ms → STATUS_SUCCESS
   5. release a, at DISPATCH_LEVEL under a spin lock, 2 times → STATUS_SUCCESS
   6. query a → recorded
   7. deregister a, on thread t1 → started
   8. blocked thread t1, for 1.5s → still blocked
   9. memory, growth at most 1.5KiB → STATUS_SUCCESS
  10. join thread t1 → STATUS_SUCCESS
s.loop
  A case that is a loop.
  basis: documented; timeout 30s
  once on each of 2 threads, each with clients of its own:
    1. register b → STATUS_SUCCESS
    2. deregister b → STATUS_SUCCESS
s.fault
  A case that breaks things.
  basis: wine-test; timeout 10s; misuse
  1. fault, write, address 0x10 → STATUS_SUCCESS
`
	var got strings.Builder
	for _, c := range catalog.All() {
		if err := c.Describe(&got); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Error(diff)
	}
}

// TestReferenceIsComplete holds the reference to the table: what a step may say is in it.
func TestReferenceIsComplete(t *testing.T) {
	var b strings.Builder
	if err := reference(&b); err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(b.String(), "\n")
	for _, o := range operations() {
		section, ok := "", false
		if _, section, ok = strings.Cut(text, "\n## "+o.title()+"\n"); !ok {
			t.Errorf("no section %s", o.title())
			continue
		}
		section, _, _ = strings.Cut(section, "\n## ")
		for _, key := range o.keys() {
			if !strings.Contains(section, "`"+key+"`") && key != "at" && key != "thread" && !strings.Contains(section, "`"+key+":`") {
				t.Errorf("%s: no %s", o.name, key)
			}
		}
		for _, a := range o.args {
			if a.doc == "" {
				t.Errorf("%s: %s has no doc", o.name, a.name)
			}
		}
	}
}
