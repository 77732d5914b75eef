//go:build linux

package hyperv

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"wskharness/remote"
	"wskharness/remote/winrmd"
	"wskharness/remote/winrmd/winrmdtest"
	"wskharness/vm"
	"wskharness/vm/access"
	"wskharness/vm/powershell"
	"wskharness/vm/powershell/powershelltest"
)

// playedHost is a Hyper-V host as far as our scripts see it: machines, checkpoints, event logs, behind an endpoint of WinRM.
type playedHost struct {
	t        *testing.T
	endpoint remote.Endpoint
	server   *winrmd.Server

	mu      sync.Mutex
	vms     []*playedVM
	account string
	allowed bool
	worker  []playedEvent
	service []playedEvent
	record  int64
	written chan struct{}                                  // closed and made anew when something is logged
	before  func(ctx context.Context, script string) error // called first, for each script
	calls   []string                                       // the scripts that were run, but for watch
}

type playedEvent struct {
	record int64
	xml    string
}

type playedVM struct {
	id, name    string
	state       state
	automatic   bool
	checkpoints []playedCheckpoint
	addresses   []string
	guest       *playedGuest
	onStart     func(h *playedHost, v *playedVM) // called with the host's lock held, after the start
}

type playedCheckpoint struct {
	id, name string
	memory   bool              // it is a standard one of a running machine
	files    map[string]string // of the guest's disk
}

// playedGuest is what runs in a machine: a real endpoint of WinRM, whose disk is a folder.
type playedGuest struct {
	server *winrmd.Server
	port   int
	pin    string
	disk   string
	behind atomic.Int64 // its clock, in seconds
	asked  atomic.Int32 // how often it was asked for that
}

const (
	idA = "D9E0EB0A-5B37-508E-9173-67E9ADE83ACF"
	idB = "11111111-2222-3333-4444-555555555555"
)

// newEndpoint serves a host of commands over WinRM, on all addresses of this machine.
func newEndpoint(t *testing.T, host winrmd.Host) (*winrmd.Server, int, string) {
	t.Helper()
	certificate, err := winrmd.NewCertificate("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	server, err := winrmd.New(winrmd.Options{Host: host, User: "tester", Password: "secret", Certificate: certificate.TLS})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	t.Cleanup(func() {
		if err := server.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		<-served
	})
	return server, listener.Addr().(*net.TCPAddr).Port, certificate.SHA256
}

// newHost is a host with a machine "win11" that is off, and its checkpoint "clean".
func newHost(t *testing.T) *playedHost {
	t.Helper()
	t.Setenv("HV_PASSWORD", "secret")
	h := &playedHost{t: t, account: `LAB\tester`, allowed: true, record: 1000, written: make(chan struct{})}
	var port int
	var pin string
	h.server, port, pin = newEndpoint(t, powershelltest.Host{Answer: h.answer})
	h.endpoint = remote.Endpoint{URL: fmt.Sprintf("https://127.0.0.1:%d/wsman", port), User: "tester", Auth: remote.AuthBasic, PinSHA256: pin}
	guest := &playedGuest{disk: t.TempDir()}
	guest.server, guest.port, guest.pin = newEndpoint(t, powershelltest.Host{Answer: guest.answer, Else: winrmdtest.LocalHost{}})
	guest.server.Reset()
	h.vms = []*playedVM{{
		id: idA, name: "win11", state: stateOff, guest: guest, addresses: []string{"fe80::1", "169.254.3.4", "127.0.0.1"},
		checkpoints: []playedCheckpoint{{id: idB, name: "clean", memory: true}},
	}}
	return h
}

// options are those of a target with the host's first machine.
func (h *playedHost) options() options {
	v := h.vms[0]
	return options{
		Host: vm.Host{Cache: h.t.TempDir(), Getenv: os.Getenv, Logger: hclog.NewNullLogger()}, URL: h.endpoint.URL,
		Login: access.Login{User: "tester", PasswordEnv: "HV_PASSWORD", Auth: "basic", Certificate: h.endpoint.PinSHA256},
		VM:    v.name, Checkpoint: "clean", Address: "127.0.0.1", BootWithin: 5 * time.Minute,
		Service: access.Service{Port: v.guest.port, Transport: "https", Login: access.Login{User: "tester", PasswordEnv: "HV_PASSWORD", Auth: "basic", Certificate: v.guest.pin}},
	}
}

// failure is an error record as Hyper-V's cmdlets make it.
func failure(id string, category powershell.Category, activity, message string) *powershell.Error {
	return &powershell.Error{ID: id, Category: category, Activity: activity,
		Exceptions: []powershell.Exception{{Type: "Microsoft.HyperV.PowerShell.VirtualizationException", HResult: -2146233088, Message: message}}}
}

// list is a list as Windows PowerShell 5.1 may write it: one element without its brackets, none as an empty object.
func list51[T any](all []T) any {
	switch len(all) {
	case 0:
		return map[string]any{}
	case 1:
		return all[0]
	}
	return map[string]any{"value": all, "Count": len(all)}
}

// answer does what a script does.
func (h *playedHost) answer(ctx context.Context, c powershelltest.Call) (any, error) {
	names := []string{"look", "restore", "power", "watch", "addresses", "nmi", "checkpoint"}
	at := slices.IndexFunc(names, func(name string) bool { return script(name) == c.Script })
	if at < 0 {
		return nil, fmt.Errorf("no script of ours: %q", c.Script)
	}
	name := names[at]
	var p struct {
		VM, Name, Checkpoint string
		Off, On              bool
		Mark                 mark
		Within               int
	}
	if err := json.Unmarshal(c.Parameters, &p); err != nil {
		return nil, err
	}
	h.mu.Lock()
	before := h.before
	if name != "watch" {
		h.calls = append(h.calls, name)
	}
	h.mu.Unlock()
	if before != nil {
		if err := before(ctx, name); err != nil {
			return nil, err
		}
	}
	if name == "watch" {
		return h.watch(ctx, p.VM, p.Mark, p.Within)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if name == "look" {
		return h.look(p.Name), nil
	}
	v := h.vm(p.VM)
	if v == nil {
		return nil, failure("InvalidParameter,Microsoft.HyperV.PowerShell.Commands.GetVM", powershell.InvalidArgument, "Get-VM", "Hyper-V was unable to find a virtual machine with id "+p.VM+".")
	}
	switch name {
	case "restore":
		h.stop(v)
		i := slices.IndexFunc(v.checkpoints, func(c playedCheckpoint) bool { return c.id == p.Checkpoint })
		if i < 0 {
			return map[string]any{"gone": true}, nil
		}
		v.guest.restore(h.t, v.checkpoints[i].files)
		if v.state = stateOff; v.checkpoints[i].memory {
			v.state = stateSaved
		}
		at := h.start(v)
		return map[string]any{"gone": false, "memory": v.checkpoints[i].memory, "state": v.state, "mark": at}, nil
	case "power":
		at := h.mark()
		if p.Off {
			at = h.stop(v)
		}
		if p.On {
			at = h.start(v)
		}
		return map[string]any{"state": v.state, "mark": at}, nil
	case "addresses":
		return map[string]any{"state": v.state, "adapters": list51([]any{
			map[string]any{"mac": "00155D010203", "connected": true, "told": list51(v.addresses), "seen": list51([]string{})},
		})}, nil
	case "nmi":
		h.crash(v, 0x80, 0x4f4454)
	case "checkpoint":
		v.checkpoints = slices.DeleteFunc(v.checkpoints, func(c playedCheckpoint) bool { return c.name == p.Name })
		made := playedCheckpoint{id: fmt.Sprintf("00000000-0000-0000-0000-%012d", h.record), name: p.Name, memory: v.state == stateRunning, files: v.guest.files(h.t)}
		v.checkpoints = append(v.checkpoints, made)
		return map[string]any{"id": made.id}, nil
	}
	return map[string]any{"done": true}, nil
}

func (h *playedHost) look(name string) any {
	var machines []any
	for _, v := range h.vms {
		if !strings.EqualFold(v.name, name) && !strings.EqualFold(v.id, name) || !h.allowed {
			continue
		}
		var checkpoints []any
		for _, c := range v.checkpoints {
			checkpoints = append(checkpoints, map[string]any{"id": c.id, "name": c.name, "made": "2026-11-30T12:00:00.0000000Z"})
		}
		machines = append(machines, map[string]any{"id": strings.ToLower(v.id), "name": v.name, "state": v.state, "automatic": v.automatic, "checkpoints": list51(checkpoints)})
	}
	return map[string]any{"account": h.account, "allowed": h.allowed, "host": "HV1", "system": "10.0.20348.0", "machines": list51(machines), "mark": h.mark()}
}

func (h *playedHost) vm(id string) *playedVM {
	for _, v := range h.vms {
		if sameID(v.id, id) {
			return v
		}
	}
	return nil
}

func (h *playedHost) start(v *playedVM) (at map[string]any) {
	if v.state == stateRunning {
		return h.mark()
	}
	id := eventStarted
	if v.state == stateSaved {
		id = eventRestored
	}
	v.state = stateRunning
	v.guest.server.Resume()
	h.log(v, id, "")
	at = h.mark()
	if v.onStart != nil {
		v.onStart(h, v)
	}
	return at
}

func (h *playedHost) stop(v *playedVM) (at map[string]any) {
	if v.state == stateOff || v.state == stateSaved {
		return h.mark()
	}
	v.guest.server.Reset()
	v.state = stateOff
	h.log(v, eventTurnedOff, "")
	return h.mark()
}

// crash is a bugcheck: the guest tells the host, and reboots.
func (h *playedHost) crash(v *playedVM, code uint32, first uint64) {
	v.guest.server.Reset()
	h.log(v, eventCrashed, fmt.Sprintf("<VmErrorCode0>0x%x</VmErrorCode0><VmErrorCode1>0x%x</VmErrorCode1><VmErrorCode2>0xffffffffffffffff</VmErrorCode2>"+
		"<VmErrorCode3>0x0</VmErrorCode3><VmErrorCode4>0x0</VmErrorCode4><VmErrorMessage>\r\n      </VmErrorMessage>", code, first))
	h.log(v, eventResetByGuest, "")
	v.guest.server.Resume()
}

// log writes an event in the form that Hyper-V's have. The caller has the lock.
func (h *playedHost) log(v *playedVM, id int, more string) {
	h.record += 3 // the log has events of others
	channel, to := "Worker", &h.worker
	if id == eventWorkerDied {
		channel, to = "VMMS", &h.service
	}
	*to = append(*to, playedEvent{h.record, fmt.Sprintf(`<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='Microsoft-Windows-Hyper-V-%[5]s' Guid='{51ddfa29-d5c8-4803-be4b-2ecb715570fe}'/>`+
		`<EventID>%[1]d</EventID><Version>0</Version><Level>1</Level><Task>0</Task><Opcode>0</Opcode><Keywords>0x8000000000000000</Keywords><TimeCreated SystemTime='2026-11-30T11:31:23.2356205Z'/>`+
		`<EventRecordID>%[2]d</EventRecordID><Correlation/><Execution ProcessID='1268' ThreadID='3476'/><Channel>Microsoft-Windows-Hyper-V-%[5]s-Admin</Channel><Computer>HV1</Computer><Security UserID='S-1-5-83-1'/></System>`+
		`<UserData><VmlEventLog xmlns='http://www.microsoft.com/Windows/Virtualization/Events'><VmName>%[3]s</VmName><VmId>%[4]s</VmId>%[6]s</VmlEventLog></UserData></Event>`,
		id, h.record, v.name, v.id, channel, more)})
	close(h.written)
	h.written = make(chan struct{})
}

// happens lets something happen on the host.
func (h *playedHost) happens(do func(v *playedVM)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	do(h.vms[0])
}

func (h *playedHost) mark() map[string]any {
	newest := func(log []playedEvent) int64 {
		if len(log) == 0 {
			return 0
		}
		return log[len(log)-1].record
	}
	return map[string]any{"worker": newest(h.worker), "service": newest(h.service)}
}

func (h *playedHost) watch(ctx context.Context, id string, after mark, within int) (any, error) {
	over := time.After(time.Duration(within) * time.Second)
	for {
		h.mu.Lock()
		written, gone := h.written, h.vm(id) == nil
		answer := map[string]any{"gone": gone}
		found := 0
		next := after
		for _, log := range []struct {
			name   string
			events []playedEvent
			after  *int64
		}{{"worker", h.worker, &next.Worker}, {"service", h.service, &next.Service}} {
			if len(log.events) == 0 || log.events[len(log.events)-1].record < *log.after {
				*log.after = 0
			}
			var news []any
			from := *log.after
			for _, e := range log.events {
				if e.record > from && strings.Contains(strings.ToLower(e.xml), strings.ToLower(id)) {
					news = append(news, map[string]any{"record": e.record, "xml": e.xml})
					*log.after = e.record
				}
			}
			found += len(news)
			answer[log.name] = list51(news)
		}
		answer["mark"] = map[string]any{"worker": next.Worker, "service": next.Service}
		h.mu.Unlock()
		if found > 0 || gone || within == 0 {
			return answer, nil
		}
		select {
		case <-written:
		case <-over:
			return answer, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// state is that of the first machine, and the scripts that were run.
func (h *playedHost) seen() (state, []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.vms[0].state, slices.Clone(h.calls)
}

// answer sets the guest's clock.
func (g *playedGuest) answer(_ context.Context, c powershelltest.Call) (any, error) {
	var p struct{ UnixMillis, Tolerance int64 }
	if err := json.Unmarshal(c.Parameters, &p); err != nil || c.Script != read("clock") {
		return nil, fmt.Errorf("no script for a guest: %q: %v", c.Script, err)
	}
	if off := time.Since(time.UnixMilli(p.UnixMillis)); off.Abs() > 5*time.Minute || p.Tolerance != 10 {
		return nil, fmt.Errorf("a clock that is off by %s, tolerance %d", off, p.Tolerance)
	}
	g.asked.Add(1)
	behind := g.behind.Load()
	if behind > p.Tolerance {
		g.behind.Store(0)
	}
	return map[string]any{"behind": behind}, nil
}

// files are the guest's disk.
func (g *playedGuest) files(t *testing.T) map[string]string {
	entries, err := os.ReadDir(g.disk)
	if err != nil {
		t.Error(err)
	}
	files := map[string]string{}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(g.disk, e.Name()))
		if err != nil {
			t.Error(err)
		}
		files[e.Name()] = string(text)
	}
	return files
}

func (g *playedGuest) restore(t *testing.T, files map[string]string) {
	for name := range g.files(t) {
		if err := os.Remove(filepath.Join(g.disk, name)); err != nil {
			t.Error(err)
		}
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(g.disk, name), []byte(text), 0o600); err != nil {
			t.Error(err)
		}
	}
}

// nothingLeft fails the test where a machine runs, or a lease is there.
func nothingLeft(t *testing.T, h *playedHost, o options) {
	t.Helper()
	if s, _ := h.seen(); s != stateOff && s != stateSaved {
		t.Errorf("the machine is %s", s)
	}
	if left, _ := filepath.Glob(filepath.Join(room(o.Host.Cache), "*")); len(left) > 0 {
		t.Errorf("left: %q", left)
	}
}

// next is a machine's next event.
func next(t *testing.T, m vm.Machine) vm.Event {
	t.Helper()
	select {
	case e, ok := <-m.Events():
		if !ok {
			t.Fatal("the events have ended")
		}
		return e
	case <-time.After(5 * time.Minute):
		t.Fatal("no event")
	}
	return vm.Event{}
}
