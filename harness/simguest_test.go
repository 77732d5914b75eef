package harness

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"wskharness/driver/abi"
	"wskharness/guest"
	"wskharness/guest/journal"
	"wskharness/suites"
	"wskharness/vm"
)

// simGuest is a guest on its machine, with an agent that keeps to docs/protocol.md, in whatever time the test has: it
// outlives controllers. What goes wrong in it is decided by the number of the thing that it does.
type simGuest struct {
	cases map[string]*suites.Case
	hash  string
	slow  bool // it takes minutes to boot, and answers with 401, 404 and 503 meanwhile
	rack  bool // a machine that can't be reverted, only reset, and whose guest is Windows: its dumps come late

	mu       sync.Mutex
	changed  *sync.Cond
	random   *rand.Rand
	faults   map[int]string // by the number of what the guest does
	did      int
	boots    int
	upAt     time.Time // it is booting until then
	endedAt  time.Time // its machine is gone for good since then; zero: it is there
	mute     bool      // it answers nothing any more
	deafTill time.Time // the network is away until then
	runs     map[string]*simRun
	dumps    map[string]guest.Dump
	events   chan vm.Event // of the machine …
	ended    chan struct{} // … which is closed when it has ended
	replay   []vm.Event    // since its disk was last clean, told to whoever adopts it
	held     int           // machines that are acquired and not released
	owner    int           // the controller that has it: an older one can do nothing
	reverts  int
	verifier simVerifier
	facts    func(*guest.Facts) // nil, or changes what the guest tells of itself
	sticks   bool               // nothing can be removed from it
	lasts    bool               // nobody reverts the machine
	stop     func()             // interrupts the controller
	started  map[string]int     // how often each case began, for the story of a seed
}

// simRun is a run on the guest's disk.
type simRun struct {
	names     []string // of the cases in its plan
	journal   bytes.Buffer
	records   []journal.Record // of it, as far as they were read
	read      journal.Position
	seq       int
	alive     bool // its process is
	cancelled bool
	at        *simReboot // where it goes on after a boot that it has ordered
}

type simReboot struct{ n, step int }

func newSimGuest(seed uint64, cases []*suites.Case, hash string) *simGuest {
	g := &simGuest{cases: map[string]*suites.Case{}, hash: hash, random: rand.New(rand.NewPCG(seed, 10)), faults: map[int]string{},
		runs: map[string]*simRun{}, dumps: map[string]guest.Dump{}, events: make(chan vm.Event, 64), ended: make(chan struct{}), boots: 1, started: map[string]int{}}
	g.changed = sync.NewCond(&g.mu)
	for _, c := range cases {
		g.cases[c.Name()] = c
	}
	return g
}

func (g *simGuest) bootID() string { return fmt.Sprintf("%08d-0000-0000-0000-000000000000", g.boots) }

// do is one thing that the guest does: it may be the last.
func (g *simGuest) do(r *simRun, boot int) bool {
	g.did++
	switch g.faults[g.did] {
	case "crash":
		g.crash()
	case "silent reboot":
		g.down(false)
	case "hang":
		g.mute = true
	case "interrupt":
		g.stop()
	case "kill":
		r.alive = false
	case "end":
		g.end()
	case "end soon":
		time.AfterFunc(500*time.Millisecond, func() {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.end()
		})
	case "network":
		g.deafTill = time.Now().Add(time.Duration(g.random.IntN(90)) * time.Second)
	}
	g.changed.Broadcast()
	return r.alive && g.boots == boot && !g.mute
}

// crash is a bugcheck: the machine says so, leaves a dump, and boots again.
func (g *simGuest) crash() {
	path, dump := fmt.Sprintf(`C:\Windows\Minidump\%d.dmp`, g.boots), guest.Dump{Size: int64(g.boots)}
	g.down(!g.rack && g.random.IntN(4) > 0)
	if !g.rack {
		g.dumps[path] = dump
		return
	}
	time.AfterFunc(time.Until(g.upAt)+time.Duration(g.random.IntN(20))*time.Second, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.dumps[path] = dump
	})
}

// loseHost is a crash of the driver's host alone, as it starts the driver: the agent notices that a start has failed, and goes on
// until the machine does, and tells of it. Where the drivers have no host, the machine is gone at once.
func (g *simGuest) loseHost() {
	if g.rack {
		g.crash()
		return
	}
	boot := g.boots
	time.AfterFunc(time.Duration(g.random.Int64N(int64(evidenceLimit))), func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.boots == boot {
			g.down(true)
		}
	})
}

// end is the end of the machine, for good: what served it was killed.
func (g *simGuest) end() {
	if !g.endedAt.IsZero() {
		return
	}
	for _, r := range g.runs {
		r.alive, r.at = false, nil
	}
	g.boots++ // whatever was to happen in this one, or at its end, does not
	g.mute, g.endedAt = false, time.Now()
	close(g.events)
	close(g.ended)
	g.changed.Broadcast()
}

// down ends the boot, and begins the next one.
func (g *simGuest) down(told bool) {
	if !g.endedAt.IsZero() {
		return
	}
	for _, r := range g.runs {
		r.alive = false
	}
	g.boots++
	g.mute = false
	g.verifier.boot()
	g.upAt = time.Now().Add(time.Duration(1+g.random.IntN(10)) * time.Second)
	if g.slow {
		g.upAt = time.Now().Add(time.Duration(1+g.random.IntN(240)) * time.Second)
	}
	if told {
		g.replay = append(g.replay, vm.Event{Kind: vm.Panicked, Code: 0xD1, Module: "wsksample.sys", ModuleOffset: 0x1a2c})
		select {
		case g.events <- g.replay[len(g.replay)-1]:
		default:
		}
	}
	g.changed.Broadcast()
	boots := g.boots
	time.AfterFunc(time.Until(g.upAt), func() { g.afterBoot(boots) })
}

// afterBoot lets the runs go on that have ordered the boot.
func (g *simGuest) afterBoot(boots int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.boots != boots {
		return
	}
	for id, r := range g.runs {
		if at := r.at; at != nil {
			r.at, r.alive = nil, true
			go g.serve(id, r, *at)
		}
	}
}

// write appends a record to a run's journal. It reports whether the agent lives on.
func (g *simGuest) write(r *simRun, boot int, format string, args ...any) bool {
	if !g.do(r, boot) {
		return false
	}
	r.seq++
	fmt.Fprintf(&r.journal, `{"seq":%d,"ms":%d,`+format+"}\n", append([]any{r.seq, r.seq}, args...)...)
	g.changed.Broadcast()
	return g.do(r, boot)
}

// pause is time that passes in the guest.
func (g *simGuest) pause(d time.Duration) {
	g.mu.Unlock()
	time.Sleep(d)
	g.mu.Lock()
}

// serve is the agent's process: from the beginning, or from behind a boot that a step has ordered.
func (g *simGuest) serve(id string, r *simRun, from simReboot) {
	g.mu.Lock()
	defer g.mu.Unlock()
	boot := g.boots
	names := r.names
	if from.n < 0 {
		if !g.write(r, boot, `"ev":"run-start","abi":%d,"run":%q,"boot":%q,"agent":"%064d","cases":%d,"unixMs":1`, abi.ABI, id, g.bootID(), 0, len(names)) ||
			!g.write(r, boot, `"ev":"driver-start","ok":1,"win32":0,"entry":0,"sha256":%q,"base":"0x10000","size":4096`, g.hash) {
			return
		}
		from.n = 0
	} else {
		if !g.write(r, boot, `"ev":"boot","boot":%q,"unixMs":1`, g.bootID()) {
			return
		}
	}
	ended, why := from.n, "done"
	for n := from.n; n < len(names) && why == "done"; n++ {
		if r.cancelled && from.step == 0 {
			why = "cancelled"
			break
		}
		word, alive := g.runCase(r, boot, n, g.cases[names[n]], from.step)
		from.step = 0
		if !alive {
			return
		}
		ended++
		if why = map[string]string{"cancelled": "cancelled", "hang": "tainted"}[word]; why == "" {
			why = "done"
		}
	}
	if why != "tainted" && !g.write(r, boot, `"ev":"driver-stop","ok":1,"win32":0,"ms2":3,"sha256":%q`, g.hash) {
		return
	}
	g.write(r, boot, `"ev":"run-end","why":%q,"cases":%d`, why, ended)
	r.alive = false
	g.changed.Broadcast()
}

// runCase runs one case, which does what its name says, from a step on: it returns why the case ended.
func (g *simGuest) runCase(r *simRun, boot, n int, c *suites.Case, from int) (why string, alive bool) {
	if from == 0 {
		g.started[c.Name()]++
		if !g.write(r, boot, `"ev":"case-start","n":%d`, n) {
			return "", false
		}
	}
	why = "done"
	ran := from
	for i := from; i < len(c.Steps); i++ {
		s := &c.Steps[i]
		if r.cancelled && from == 0 {
			why = "cancelled"
			break
		}
		g.pause(time.Duration(1+g.random.IntN(50)) * time.Millisecond)
		bad := i == 1
		switch {
		case s.Reboots() && i != from:
			if !g.write(r, boot, `"ev":"reboot","n":%d,"step":%d`, n, i) {
				return "", false
			}
			r.at = &simReboot{n, i}
			g.down(false)
			return "", false
		case bad && strings.HasPrefix(c.ID, "crashes"):
			g.crash()
			return "", false
		case bad && strings.HasPrefix(c.ID, "hangs"):
			why = "hang"
		}
		if why == "hang" {
			break
		}
		status, ok := s.Expect[0], 1
		if bad && strings.HasPrefix(c.ID, "loses") {
			g.loseHost()
			status, ok, why = 0xC0000024, 0, "deviation"
		}
		if bad && (strings.HasPrefix(c.ID, "fails") || strings.HasPrefix(c.ID, "known")) {
			status, ok, why = 0xC0000001, 0, "deviation"
		}
		if !g.write(r, boot, `"ev":"step","n":%d,"step":%d,"status":%d,"origin":0,"runs":1,"ns":1000,"maxNs":1000,"v":[0,0,0,0,0,0,0,0,0,0],"ok":%d`, n, i, status, ok) {
			return "", false
		}
		ran++
		if why != "done" {
			break
		}
	}
	residue := `,"left":[0,0,0,0,0,0],"after":[0,0,0,0,0,0]`
	if why == "hang" {
		residue = ""
	}
	return why, g.write(r, boot, `"ev":"case-end","n":%d,"ran":%d,"why":%q`+residue, n, ran, why)
}

// planNames takes the names of the cases out of a compiled plan (driver/include/wskplan.h).
func planNames(data []byte) (names []string) {
	u32 := func(at uint32) uint32 { return binary.LittleEndian.Uint32(data[at:]) }
	count, table, text := u32(20), u32(24), u32(48)
	for i := range count {
		name := data[text+u32(table+i*32):]
		names = append(names, string(name[:bytes.IndexByte(name, 0)]))
	}
	return names
}
