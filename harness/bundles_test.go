//go:build linux

package harness

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"wskharness/config"
	"wskharness/guest"
	"wskharness/harness/harnesstest"
	"wskharness/recording"
	"wskharness/remote"
	"wskharness/remote/replaytest"
	"wskharness/results"
	"wskharness/suites"
	"wskharness/testtime"
	"wskharness/vm"
)

var bundlesIn = flag.String("bundles", "", "a folder with bundles (*.zip) to hold today's code to, besides testdata/bundles")

// TestBundles holds today's code to what people have recorded elsewhere.
func TestBundles(t *testing.T) {
	for _, dir := range []string{filepath.Join("testdata", "bundles"), *bundlesIn} {
		found, err := filepath.Glob(filepath.Join(dir, "*.zip"))
		if err != nil {
			t.Fatal(err)
		}
		if dir != "" && dir == *bundlesIn && len(found) == 0 {
			t.Errorf("%s has no bundle (*.zip)", dir)
		}
		for _, name := range found {
			t.Run(filepath.Base(name), func(t *testing.T) {
				own, err := suites.Discover(strings.TrimSuffix(name, ".zip") + ".suites")
				if errors.Is(err, fs.ErrNotExist) {
					own = nil // it needs none
				} else if err != nil {
					t.Fatal(err)
				}
				data, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				h := holdTo(t, unpacked(t, data), own)
				for _, text := range h.left {
					t.Log("not tried: " + text)
				}
				for _, text := range h.differences {
					t.Error(text)
				}
			})
		}
	}
}

// unpacked are the files of a bundle; one that is larger than a bundle may be is none.
func unpacked(t *testing.T, bundle []byte) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	z, err := zip.NewReader(bytes.NewReader(bundle), int64(len(bundle)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(io.LimitReader(r, 64<<20))
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = &fstest.MapFile{Data: data}
	}
	return files
}

// holding is what came of holding today's code to a bundle.
type holding struct {
	t       *testing.T
	files   fs.FS
	events  []results.Event
	catalog *suites.Catalog
	same    bool // the cases are what they were: the bundle says by which hash
	request struct {
		Definition string
		Request    struct {
			FailFast bool
			Config   struct {
				Targets  map[string]map[string]string
				External *struct{ Service struct{ Name string } }
			}
		}
	}

	differences, left []string
	counts            struct{ commands, facts, driverRuns int } // that were tried
}

func (h *holding) differ(format string, args ...any) {
	h.differences = append(h.differences, fmt.Sprintf(format, args...))
}

func (h *holding) leave(format string, args ...any) {
	h.left = append(h.left, fmt.Sprintf(format, args...))
}

// holdTo does again what the bundle has of a run.
func holdTo(t *testing.T, files fs.FS, own []suites.Source) *holding {
	t.Helper()
	h := &holding{t: t, files: files}
	text, err := fs.ReadFile(files, results.JournalName)
	if err == nil {
		h.events, err = results.Read(bytes.NewReader(text))
	}
	if err != nil || len(h.events) == 0 {
		h.differ("the journal of the run: %d events can be read, and then: %v", len(h.events), err)
		return h
	}
	if asked, err := fs.ReadFile(files, requestFile); err != nil {
		h.leave("what was asked for: %v", err)
	} else if err := json.Unmarshal(asked, &h.request); err != nil {
		h.differ("what was asked for: %v", err)
	}
	h.cases(own)
	again := slices.Clone(h.events)
	for _, target := range h.events[0].Run.Plan {
		printed := h.exchanges(target.Name)
		again = h.journals(target, again, printed)
	}
	was, is := results.Reduce(h.events), results.Reduce(again)
	for _, target := range was.Targets {
		for i := range target.Cases {
			c := &target.Cases[i]
			if got := harnesstest.Outcomes(is)[c.Name]; got != harnesstest.Outcomes(was)[c.Name] {
				h.differ("%s on %s: %s, want %s", c.Name, target.Name, got, c.Final)
			}
		}
	}
	policy := h.events[0].Run.Policy
	if got, want := results.ExitCode(is, policy), results.ExitCode(was, policy); got != want {
		h.differ("the run's exit code is %d, want %d", got, want)
	}
	return h
}

// cases finds the cases of the run, and whether they are those that it had.
func (h *holding) cases(own []suites.Source) {
	sources := own
	if h.request.Request.Config.External == nil {
		sources = append(suites.Builtin(), own...)
	}
	var err error
	if h.catalog, err = suites.Load(sources...); err != nil {
		h.leave("the suites: %v", err)
		return
	}
	p := &Plan{Catalog: h.catalog}
	for _, planned := range h.events[0].Run.Plan[0].Cases {
		c := h.caseOf(planned.Name)
		if c == nil {
			h.leave("the verdicts: nobody has the case %s", planned.Name)
			return
		}
		p.Cases = append(p.Cases, c)
	}
	if h.same = p.definition() == h.request.Definition; !h.same {
		h.leave("the verdicts: the cases are other ones by now, or their known issues are")
	}
}

func (h *holding) caseOf(name string) *suites.Case {
	for _, c := range suites.Whole(h.catalog.All()) {
		if c.Name() == name {
			return c
		}
	}
	return nil
}

// exchanges does again what was said to the guest of a target, and gives what its agent has printed of journals; nil where not
// all of that is there.
func (h *holding) exchanges(target string) (printed map[string]bool) {
	names, err := fs.Glob(h.files, path.Join("targets", target, "exchanges*.ndjson.gz"))
	if err != nil || len(names) == 0 {
		h.leave("%s: nothing of what was said to the guest is there (run --record)", target)
		return nil
	}
	printed = map[string]bool{}
	var asked []asking
	whole := true
	for _, name := range names {
		data, err := fs.ReadFile(h.files, name)
		var lines []recording.Line
		if err == nil {
			err = recording.Read(bytes.NewReader(data), func(l recording.Line) error { lines = append(lines, l); return nil })
		}
		if err != nil {
			h.differ("%s: %v", name, err)
			continue
		}
		r := replaytest.New(lines)
		for _, text := range r.Left {
			h.leave("%s: %s", name, text)
			whole = false
		}
		for _, s := range r.Shells {
			differences, left := s.Hold(testtime.Context(h.t), h.t)
			for _, text := range differences {
				h.differ("%s: %s", name, text)
			}
			for _, text := range left {
				h.leave("%s: %s", name, text)
				whole = false
			}
			h.counts.commands += len(s.Commands) - len(left)
			for _, c := range s.Commands {
				asked = append(asked, asking{name, s, c})
				for line := range strings.Lines(c.Want().Stdout) {
					// The first stands behind what the agent has said of the files that it was given.
					if _, record, found := strings.Cut(line, `{"seq":`); found {
						printed[`{"seq":`+strings.TrimSuffix(record, "\n")] = true
					}
				}
			}
		}
	}
	h.facts(target, asked)
	if !whole {
		return nil
	}
	return printed
}

// asking is a command of a recording.
type asking struct {
	file    string
	shell   *replaytest.Shell
	command *replaytest.Command
}

// facts asks the recorded agents for what their guests are, and compares that with what the run has noted.
func (h *holding) facts(target string, asked []asking) {
	var told []results.Facts
	for _, a := range asked {
		line, want := a.command.CommandLine(), a.command.Want()
		if !line.SkipShell || len(line.Args) == 0 || line.Args[0] != "info" || want.End != "exit code 0" {
			continue
		}
		f, err := h.ask(a)
		if err != nil {
			h.differ("%s: line %d: the agent is asked what its guest is: %v", a.file, a.command.Line, err)
			continue
		}
		told = append(told, f)
	}
	for _, e := range h.events {
		if e.Kind != results.KindTargetFacts || e.Target != target || e.Guest.Facts == nil {
			continue
		}
		want := *e.Guest.Facts
		want.Verified, want.Netio = nil, ""
		i := slices.IndexFunc(told, func(f results.Facts) bool { return asJSON(f) == asJSON(want) })
		if i < 0 {
			h.differ("%s: event %d: no agent says %s, but %s", target, e.Seq, asJSON(want), asJSON(told))
			continue
		}
		told = told[i:]
		h.counts.facts++
	}
}

func asJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// ask connects to a guest that has nothing but the recorded answer.
func (h *holding) ask(a asking) (results.Facts, error) {
	var said struct {
		SHA256 string `json:"sha256"`
	}
	if err := json.Unmarshal([]byte(a.command.Want().Stdout), &said); err != nil {
		return results.Facts{}, err
	}
	o := guest.Options{Agent: guest.Agent{SHA256: said.SHA256}, Shell: a.shell.Options()}
	if args := a.command.CommandLine().Args; len(args) > 2 && args[1] == "--lease" {
		o.Owner = args[2]
	}
	server := replaytest.NewServer(a.shell.Only(a.command))
	client, err := remote.New(server.Serve(h.t), remote.Options{QuotaWait: -1})
	if err != nil {
		return results.Facts{}, err
	}
	defer client.Close()
	ctx := testtime.Context(h.t)
	g, err := guest.Connect(ctx, client, o)
	if err != nil {
		return results.Facts{}, err
	}
	f := g.Facts()
	if err := g.Close(ctx); err != nil {
		return results.Facts{}, err
	}
	for _, text := range server.Findings() {
		h.differ("%s: %s", a.file, text)
	}
	return *recordOf(vm.Stack{}, f).Facts, nil
}

// stackOf is what stands for netio.sys on a target, by what the request says of it.
func (h *holding) stackOf(target string) vm.Stack {
	said := h.request.Request.Config.Targets[target]
	if said["provider"] != "wine" || said["netio"] == "" {
		return vm.Stack{}
	}
	c, err := harnesstest.ParseConfig([]byte("targets: {t: {provider: wine, netio: "+said["netio"]+"}}\n"), config.Name, h.t.TempDir())
	if err != nil {
		h.leave("%s: netio: %s: %v", target, said["netio"], err)
		return vm.Stack{}
	}
	return c.Target("t").Machine.Stack
}
