package hyperv

import (
	"context"
	"embed"
	"fmt"
	"regexp"
	"strings"

	"wskharness/guest/untrusted"
	"wskharness/vm/powershell"
)

//go:embed scripts/*.ps1
var scripts embed.FS

// script is one of those for the host, with what they have in common.
func script(name string) string { return "param($p)\n" + read("common") + read(name) }

// read is a script's text.
func read(name string) string {
	text, err := scripts.ReadFile("scripts/" + name + ".ps1")
	if err != nil {
		panic(err) // it is embedded
	}
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}

// mark is how far the host's logs have been read, by the numbers of their records: never by its clock.
type mark struct {
	Worker  int64 `json:"worker"`  // Microsoft-Windows-Hyper-V-Worker-Admin
	Service int64 `json:"service"` // Microsoft-Windows-Hyper-V-VMMS-Admin
}

// state is a VMState of Microsoft.HyperV.PowerShell.
type state int

// The states that are told apart.
const (
	stateRunning state = 2
	stateOff     state = 3
	stateSaved   state = 6
)

func (s state) String() string {
	names := map[state]string{stateRunning: "running", stateOff: "off", 4: "stopping", stateSaved: "saved", 9: "paused", 10: "starting"}
	if name := names[s]; name != "" {
		return name
	}
	return fmt.Sprintf("in the state %d", int(s))
}

// virtual is one virtual machine on a host.
type virtual struct {
	host powershell.Host
	id   string // a GUID
	name string // for messages
}

// found is what the host says of the machine that a target means.
type found struct {
	ID          string                      `json:"id"`
	Name        string                      `json:"name"`
	State       state                       `json:"state"`
	Automatic   bool                        `json:"automatic"` // the host makes a checkpoint of its own at each start
	Checkpoints powershell.List[checkpoint] `json:"checkpoints"`
}

type checkpoint struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Made string `json:"made"` // UTC, RFC 3339
}

// looked is the answer of look.ps1.
type looked struct {
	Account  string                 `json:"account"`
	Allowed  bool                   `json:"allowed"` // it is an administrator, or one of Hyper-V's
	Host     string                 `json:"host"`
	System   string                 `json:"system"` // the version of its Windows: 10.0.20348.0
	Machines powershell.List[found] `json:"machines"`
	Mark     mark                   `json:"mark"`
}

// numbers is what a version of Windows is.
var numbers = regexp.MustCompile(`^\d{1,5}(\.\d{1,9}){1,3}$`)

// system is the version of the host's Windows; empty where what it says is none.
func (l looked) system() string { return numbers.FindString(l.System) }

// look asks a host for the machines of a name, or of an id.
func look(ctx context.Context, host powershell.Host, name string) (looked, error) {
	var answer looked
	err := powershell.Run(ctx, host, powershell.Script{Name: "look for VM " + name, Text: script("look")}, map[string]string{"name": name}, &answer)
	return answer, explain(err)
}

func (v *virtual) run(ctx context.Context, what, name string, parameters map[string]any, answer any) error {
	if parameters == nil {
		parameters = map[string]any{}
	}
	parameters["vm"] = v.id
	return explain(powershell.Run(ctx, v.host, powershell.Script{Name: what + " " + v.name, Text: script(name)}, parameters, answer))
}

// restored is the answer of restore.ps1.
type restored struct {
	Gone   bool  `json:"gone"`   // there is no such checkpoint any more
	Memory bool  `json:"memory"` // the machine goes on as it was, and does not boot
	State  state `json:"state"`
	Mark   mark  `json:"mark"`
}

// restore brings the machine back to a checkpoint, and starts it.
func (v *virtual) restore(ctx context.Context, at checkpoint) (restored, error) {
	var answer restored
	err := v.run(ctx, "restore checkpoint "+at.Name+" of VM", "restore", map[string]any{"checkpoint": at.ID}, &answer)
	switch {
	case err != nil:
		return answer, err
	case answer.Gone:
		return answer, fmt.Errorf("restore checkpoint %s of VM %s on %s: it is not there any more: who else works with this VM?", at.Name, v.name, v.host)
	case answer.State != stateRunning:
		return answer, fmt.Errorf("start VM %s on %s: it is %s: see Microsoft-Windows-Hyper-V-Worker-Admin in the host's event log", v.name, v.host, answer.State)
	}
	return answer, nil
}

// powered is the answer of power.ps1.
type powered struct {
	State state `json:"state"`
	Mark  mark  `json:"mark"`
}

// power turns the machine off, or on, or off and on; or asks.
func (v *virtual) power(ctx context.Context, off, on bool) (powered, error) {
	what := "ask for the state of VM"
	switch {
	case off && on:
		what = "turn off and on VM"
	case off:
		what = "turn off VM"
	case on:
		what = "start VM"
	}
	var answer powered
	err := v.run(ctx, what, "power", map[string]any{"off": off, "on": on}, &answer)
	switch {
	case err != nil:
		return answer, err
	case on && answer.State != stateRunning, off && !on && answer.State != stateOff && answer.State != stateSaved:
		return answer, fmt.Errorf("%s %s on %s: it is %s afterwards", what, v.name, v.host, answer.State)
	}
	return answer, nil
}

// inject sends the machine a non-maskable interrupt.
func (v *virtual) inject(ctx context.Context) error {
	return v.run(ctx, "send an NMI to VM", "nmi", nil, nil)
}

// makeCheckpoint makes a checkpoint of that name, and removes others that have it.
func (v *virtual) makeCheckpoint(ctx context.Context, name string) (checkpoint, error) {
	var answer struct {
		ID string `json:"id"`
	}
	err := v.run(ctx, "make checkpoint "+name+" of VM", "checkpoint", map[string]any{"name": name}, &answer)
	if err == nil && !untrusted.IsGUID(answer.ID) {
		err = fmt.Errorf("make checkpoint %s of VM %s on %s: the host has made none, and says nothing of it: are checkpoints disabled? Set-VM -CheckpointType Standard allows them", name, v.name, v.host)
	}
	return checkpoint{ID: answer.ID, Name: name}, err
}

// news is the answer of watch.ps1.
type news struct {
	Worker  powershell.List[logged] `json:"worker"`
	Service powershell.List[logged] `json:"service"`
	Mark    mark                    `json:"mark"`
	Gone    bool                    `json:"gone"` // the machine was removed from the host
}

// logged is an event of a log, as its XML.
type logged struct {
	Record int64  `json:"record"`
	XML    string `json:"xml"`
}

// watch waits for news behind a mark, at most for so many seconds.
func (v *virtual) watch(ctx context.Context, after mark, within int) (news, error) {
	var answer news
	err := v.run(ctx, "follow the event log for VM", "watch", map[string]any{"mark": after, "within": within}, &answer)
	return answer, err
}
