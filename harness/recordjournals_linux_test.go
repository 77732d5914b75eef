package harness

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"wskharness/config"
	"wskharness/harness/harnesstest"
	"wskharness/workshop"
)

var recordJournals = flag.Bool("record", false, "record the journals that the tests of harness/driverrun disturb anew")

// journalKinds are the runs whose journals are disturbed: suites by the kind of run that they make.
var journalKinds = map[string]string{
	"pass": `  - {id: one, doc: d, steps: [register: {client: a}, deregister: {client: a}]}
  - {id: two, doc: d, steps: [register: {client: a}, capture: {client: a, wait: none}, release: {client: a}, deregister: {client: a}]}
  - {id: three, doc: d, steps: [loop: {repeat: 20, steps: [sleep: 1ms]}]}
`,
	"fail": `  - {id: one, doc: d, steps: [register: {client: a}, deregister: {client: a}]}
  - {id: fails, doc: d, steps: [register: {client: a}, {capture: {client: a, wait: none}, expect: STATUS_DEVICE_NOT_READY}, deregister: {client: a}]}
  - {id: undone, doc: d, steps: [sleep: 1ms], tear_down: [{run: {program: cmd.exe, args: [/c, exit, '3']}}]}
  - {id: two, doc: d, steps: [register: {client: a}, deregister: {client: a}]}
`,
	"known": `  - {id: one, doc: d, steps: [register: {client: a}, deregister: {client: a}]}
  - {id: odd, doc: d, steps: [register: {client: a}, {name: odd, capture: {client: a, wait: none}, expect: STATUS_DEVICE_NOT_READY}, deregister: {client: a}]}
  - {id: two, doc: d, steps: [register: {client: a}, deregister: {client: a}]}
`,
	"reboot": `  - {id: one, doc: d, steps: [register: {client: a}, deregister: {client: a}]}
  - {id: reboots, doc: d, steps: [sleep: 1ms, reboot: {}, sleep: 1ms]}
  - {id: two, doc: d, steps: [register: {client: a}, deregister: {client: a}]}
`,
	"reload": `  - {id: one, doc: d, steps: [reload: {times: 2}]}
  - {id: two, doc: d, steps: [unload: {}, load: {}]}
  - {id: three, doc: d, steps: [register: {client: a}, deregister: {client: a}]}
`,
	"own": `  - {id: one, doc: d, steps: [{run: {program: cmd.exe, args: [/c, echo, hello], stdout: {contains: hello}}}, sleep: 1ms]}
  - {id: two, doc: d, steps: [unload: {}, load: {}]}
`,
	"once": `  - {id: one, doc: d, steps: [register: {client: a}, deregister: {client: a}]}
  - {id: reboots, doc: d, steps: [reboot: {}]}
  - {id: two, doc: d, steps: [register: {client: a}, deregister: {client: a}]}
once: {set_up: [run: {program: cmd.exe, args: [/c, exit, '0']}], tear_down: [sleep: 1ms]}
`,
	"once-unready": `  - {id: one, doc: d, steps: [register: {client: a}, deregister: {client: a}]}
  - {id: reboots, doc: d, steps: [reboot: {}]}
once: {set_up: [run: {program: cmd.exe, args: [/c, exit, '3']}], tear_down: [run: {program: cmd.exe, args: [/c, exit, '0']}]}
`,
	"hang": `  - {id: one, doc: d, steps: [register: {client: a}, deregister: {client: a}]}
  - {id: hangs, doc: d, misuse: true, timeout: 2s, steps: [sleep: 1ms, fault: {kind: hang, for: 100ms}]}
  - {id: two, doc: d, steps: [register: {client: a}, deregister: {client: a}]}
`,
	"crash": `  - {id: one, doc: d, steps: [register: {client: a}, deregister: {client: a}]}
  - {id: crashes, doc: d, misuse: true, steps: [sleep: 1ms, fault: {kind: write, address: 0x10}, sleep: 1ms]}
  - {id: two, doc: d, steps: [register: {client: a}, deregister: {client: a}]}
`,
	// Of a machine that takes two seconds to tell of a crash and to go down, so that the agent goes on until then: the process that
	// serves the guest was made to wait for so long.
	"crash-load": `  - {id: one, doc: d, steps: [register: {client: a}, deregister: {client: a}]}
  - {id: crashes, doc: d, misuse: true, steps: [unload: {}, load: {steps: [fault: {kind: write, address: 0x10}]}]}
  - {id: two, doc: d, steps: [register: {client: a}, deregister: {client: a}]}
`,
}

// TestRecordJournals makes runs of each kind and keeps their journals, each beside its suite, where the tests of
// driverrun find them. Only when it is asked for.
func TestRecordJournals(t *testing.T) {
	if !*recordJournals {
		t.Skip("go test ./harness -run RecordJournals -record")
	}
	env := testEnv(t)
	for name, cases := range journalKinds {
		t.Run(name, func(t *testing.T) {
			suite := "suite: s\ndoc: d\ncases:\n" + cases
			files := map[string]string{"s.yaml": suite}
			c := harnesstest.Config(t, "suites: [s.yaml]\n", files)
			if name == "own" {
				w, err := workshop.New(t.Context(), env.Host)
				if err != nil {
					t.Fatal(err)
				}
				pkg, err := w.Package(t.Context(), &config.Config{})
				if err != nil {
					t.Fatal(err)
				}
				sys := filepath.Join(t.TempDir(), "own.sys")
				image, err := os.ReadFile(pkg.Driver)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(sys, image, 0o644); err != nil {
					t.Fatal(err)
				}
				c = harnesstest.Config(t, "driver: {sys: "+sys+"}\nsuites: [s.yaml]\n", files)
			}
			patterns := []string{"s"}
			switch name {
			case "hang":
				c.Defines = map[string]string{"WSKSAMPLE_DEFECT": "WSKSAMPLE_DEFECT_OVERSTAYS"}
				patterns = []string{"s.one", "s.hangs", "s.two"}
			case "crash", "crash-load":
				patterns = []string{"s.one", "s.crashes", "s.two"}
			}
			done := executeRun(t, env, c, nil, patterns...)
			t.Log(summary(done))
			journal, err := os.ReadFile(filepath.Join(done.Dir, "targets", "wine", "journal-1.ndjson"))
			if err != nil {
				t.Fatal(err)
			}
			for file, data := range map[string][]byte{name + ".ndjson": journal, name + ".yaml": []byte(suite)} {
				if err := os.WriteFile(filepath.Join("driverrun", "testdata", file), data, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
