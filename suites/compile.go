package suites

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"wskharness/driver/abi"
	"wskharness/strictyaml"
)

// Entry is one attempt at a case in a plan. The same case may be in a plan more than once.
type Entry struct {
	Case    *Case
	Attempt int // from 1; with each the seed of its choices is one more
}

// PlanOptions is what a plan says beside its cases.
type PlanOptions struct {
	RunID        string // names the run in the guest: letters, digits, '.', '_' and '-'
	DriverPath   string // Windows path in the guest; empty: the driver is running already
	Service      string // name of the driver's service: the same characters
	DriverSHA256 [32]byte
	Seed         uint32        // of the choices in loops that have none of their own, of the first attempt
	StartTimeout time.Duration // at most 2 min; 30 s unless given
	StopTimeout  time.Duration // at most 2 min; 30 s unless given

	// External is the service of a driver that is not the sample; nil: the sample's. Its Name is Service.
	External *Service
	// INF is where that driver's .inf is in the guest; empty: it has none.
	INF string
	// Stored says where a file or folder of this machine that a case uploads is in the guest, and which folders in it are
	// empty, and not there: their paths from it, with backslashes.
	Stored func(local string) (place string, folders []string)
}

// MaxPlanBytes is how much of a plan cases may take together, by their PlanBytes.
const MaxPlanBytes = abi.PlanMaxFile / 2

// PlanBytes is how much of a plan an attempt of the case takes at most: with its own steps, batches and texts.
func (c *Case) PlanBytes() int {
	size := binary.Size(abi.PlanCase{}) + len(c.Name()) + 1 + len(c.Steps)*(binary.Size(abi.PlanBatch{})+binary.Size(abi.PlanStep{}))
	for _, s := range c.Steps {
		size += 8 * len(s.poolTags)
		if s.generic != nil {
			for _, text := range s.generic.texts {
				size += len(text) + 1
			}
			size += longestGuestPath * max(1, len(s.generic.files))
		}
	}
	return size
}

// longestGuestPath is more than a path that the agent takes.
const longestGuestPath = 1 << 10

// LongestWait is the longest time that a plan can name.
const LongestWait = abi.MaxWaitMs * time.Millisecond

const defaultDriverTimeout = 30 * time.Second

// plainName is what the agent takes as the name of a run or of a service.
var plainName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// Compile gives the plan file of the entries, in their order: by its place there, from 0, the journal calls each of them.
func Compile(entries []Entry, opts PlanOptions) ([]byte, error) {
	if len(entries) == 0 {
		return nil, errors.New("compile plan: there is no case in it")
	}
	switch {
	case !plainName.MatchString(opts.RunID):
		return nil, fmt.Errorf("compile plan: run id %q is not 1 to 64 letters, digits, '.', '_' or '-'", opts.RunID)
	case !plainName.MatchString(opts.Service):
		return nil, fmt.Errorf("compile plan: service %q is not 1 to 64 letters, digits, '.', '_' or '-'", opts.Service)
	case strings.ContainsRune(opts.DriverPath, 0):
		return nil, fmt.Errorf("compile plan: driver path %q has a NUL in it", opts.DriverPath)
	}
	start, err := milliseconds("start timeout", cmp.Or(opts.StartTimeout, defaultDriverTimeout))
	if err != nil {
		return nil, err
	}
	stop, err := milliseconds("stop timeout", cmp.Or(opts.StopTimeout, defaultDriverTimeout))
	if err != nil {
		return nil, err
	}
	w := planWriter{opts: opts, strings: []byte{0}, offsets: map[string]uint32{"": 0}, done: map[written]abi.PlanCase{}, suites: map[string]uint32{}}
	for _, e := range entries {
		w.add(e, opts.Seed)
	}
	if len(w.suites) > abi.PlanMaxSuites {
		return nil, fmt.Errorf("compile plan: %d suites with a set-up or tear-down of their own; at most %d may run together", len(w.suites), abi.PlanMaxSuites)
	}
	header := abi.PlanHeader{
		Magic: abi.PlanMagic, Version: abi.PlanVersion, Abi: abi.ABI,
		RunId: w.text(opts.RunID), DriverPath: w.text(opts.DriverPath), ServiceName: w.text(opts.Service),
		StartTimeoutMs: start, StopTimeoutMs: stop, DriverSha256: opts.DriverSHA256,
	}
	if opts.External != nil {
		header.Flags = abi.PlanExternal
		if opts.External.NeverUnload {
			header.Flags |= abi.PlanNeverUnload
		}
		header.Settings = w.list(opts.External.settings(opts.INF))
	}
	return w.file(header)
}

func milliseconds(what string, d time.Duration) (uint32, error) {
	if d < time.Millisecond || d > LongestWait {
		return 0, fmt.Errorf("compile plan: %s %s is not between 1ms and %s", what, d, strictyaml.ShortDuration(LongestWait))
	}
	return uint32(d.Milliseconds()), nil
}
