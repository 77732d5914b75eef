package suites_test

import (
	"fmt"
	"os"

	"wskharness/suites"
)

func Example() {
	catalog, err := suites.Load(suites.Source{Name: "mine.yaml", Data: []byte(`
suite: mine
doc: What my driver does
cases:
  - id: after_deregister
    doc: After WskDeregister a capture fails.
    source: nf-wsk-wskcaptureprovidernpi
    steps:
      - register: {client: a, version: 1.0}
      - deregister: {client: a}
      - capture: {client: a, wait: none}
        expect: STATUS_DEVICE_NOT_READY
`)})
	if err != nil {
		fmt.Println(err) // every mistake, with its place
		return
	}
	cases, err := catalog.Select(suites.Selection{Patterns: []string{"mine/after_*"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := cases[0].Describe(os.Stdout); err != nil {
		fmt.Println(err)
	}
	plan, err := suites.Compile([]suites.Entry{{Case: cases[0]}}, suites.PlanOptions{RunID: "r1", Service: "wsksample"})
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = plan // the agent runs it: guest.StartRun

	// What a guest might report: the capture succeeded.
	for _, d := range cases[0].Judge([]suites.StepResult{{Step: 0, Runs: 1}, {Step: 1, Runs: 1}, {Step: 2, Runs: 1}}) {
		fmt.Println(d)
	}
	// Output:
	// mine.after_deregister
	//   After WskDeregister a capture fails.
	//   basis: documented, nf-wsk-wskcaptureprovidernpi; timeout 10s
	//   1. register a, version 1.0 → STATUS_SUCCESS
	//   2. deregister a → STATUS_SUCCESS
	//   3. capture a, no wait → STATUS_DEVICE_NOT_READY
	// step 3 (capture a, no wait): expected STATUS_DEVICE_NOT_READY, got STATUS_SUCCESS (0x00000000)
}
