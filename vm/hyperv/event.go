package hyperv

import (
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"
	"time"

	"wskharness/guest/untrusted"
	"wskharness/vm"
)

// Events of Microsoft-Windows-Hyper-V-Worker-Admin and, the last of them, of Microsoft-Windows-Hyper-V-VMMS-Admin. What each says
// is in the manifests of these providers (`wevtutil gp Microsoft-Windows-Hyper-V-Worker /ge /gm:true` on a host).
const (
	eventStarted      = 18500 // it was started
	eventTurnedOff    = 18502 // by the host
	eventShutDown     = 18504 // by the host, through the shutdown service in the guest
	eventOffByGuest   = 18508 // the guest has shut itself down
	eventReset        = 18512 // by the host
	eventResetByGuest = 18514 // the guest has rebooted
	eventOffForReset  = 18515 // the guest wanted to reboot, and the host has turned it off for that
	eventOffByFailure = 18528 // the host had to, after a failure of its own
	eventTripleFault  = 18539 // of which there are four, for different causes
	eventTripleUnsupp = 18540
	eventTripleRegist = 18550
	eventTripleUnrec  = 18560
	eventCrashed      = 18590 // the guest has told that it crashed, with the stop code and its parameters
	eventRestored     = 18596 // it goes on from a saved state
	eventNoBoot       = 18602 // nothing to boot was found, or it does not boot
	eventNoBootSecure = 18603 // for Secure Boot's sake
	eventNoDevice     = 18605 // there is no device to boot from
	eventHibernated   = 18608
	eventWorkerDied   = 14070 // the process that runs the machine has ended unexpectedly
)

// said is an event as far as it is told.
type said struct {
	kind vm.EventKind // empty: it is no news of the machine's
	text string
}

var meanings = map[int]said{
	eventTurnedOff:    {vm.Stopped, "the VM was turned off on its host"},
	eventShutDown:     {vm.Stopped, "the VM was shut down on its host"},
	eventOffByGuest:   {vm.Stopped, "the guest has shut itself down"},
	eventReset:        {vm.Reset, "the VM was reset on its host"},
	eventResetByGuest: {vm.Reset, "the guest has rebooted"},
	eventOffForReset:  {vm.Stopped, "the guest wanted to reboot, and was turned off instead"},
	eventOffByFailure: {vm.Stopped, "the host has turned the VM off after a failure"},
	eventTripleFault:  {vm.Panicked, "a triple fault has reset the VM"},
	eventTripleUnsupp: {vm.Panicked, "a triple fault has reset the VM: the guest wanted what Hyper-V does not support"},
	eventTripleRegist: {vm.Panicked, "a triple fault has reset the VM: a register could not be accessed"},
	eventTripleUnrec:  {vm.Panicked, "a triple fault has reset the VM: an exception could not be handled"},
	eventCrashed:      {vm.Panicked, "the guest has told the host that it crashed"},
	eventNoBoot:       {"", "the VM does not boot: nothing on its devices can be booted"},
	eventNoBootSecure: {"", "the VM does not boot: Secure Boot refuses what it should boot"},
	eventNoDevice:     {"", "the VM does not boot: it has no device to boot from"},
	eventHibernated:   {vm.Stopped, "the guest hibernates"},
	eventWorkerDied:   {vm.Stopped, "the host's process that runs the VM has ended unexpectedly"},
}

// entry is an event that was read.
type entry struct {
	id    int
	event vm.Event
}

// readEntry reads the XML of an event of a machine; ok is false where it is about another one, or can't be read.
func readEntry(text, machine string) (e entry, ok bool) {
	var x struct {
		System struct {
			EventID     int `xml:"EventID"`
			TimeCreated struct {
				SystemTime string `xml:"SystemTime,attr"`
			} `xml:"TimeCreated"`
		} `xml:"System"`
		UserData struct {
			Log struct {
				Fields []field `xml:",any"`
			} `xml:"VmlEventLog"`
		} `xml:"UserData"`
	}
	if len(text) > maxXML || xml.Unmarshal([]byte(text), &x) != nil {
		return entry{}, false
	}
	fields := map[string]string{}
	for _, f := range x.UserData.Log.Fields {
		fields[f.XMLName.Local] = strings.TrimSpace(f.Text)
	}
	if !sameID(fields["VmId"], machine) {
		return entry{}, false
	}
	e.id = x.System.EventID
	m := meanings[e.id]
	e.event = vm.Event{Kind: m.kind, Text: m.text}
	e.event.Time, _ = time.Parse(time.RFC3339Nano, x.System.TimeCreated.SystemTime) // the host's clock: for people
	if m.text == "" {
		e.event.Text = fmt.Sprintf("event %d of Hyper-V", e.id)
	}
	if e.id == eventCrashed {
		e.event.Code = uint32(number(fields["VmErrorCode0"], 32))
		for i := range e.event.Args {
			e.event.Args[i] = number(fields["VmErrorCode"+strconv.Itoa(i+1)], 64)
		}
		if more := untrusted.Clip(untrusted.Printable([]byte(fields["VmErrorMessage"])), 500); more != "" {
			e.event.Text += ": " + more
		}
	}
	return e, true
}

type field struct {
	XMLName xml.Name
	Text    string `xml:",chardata"`
}

// maxXML bounds an event, in bytes; watch.ps1 leaves out longer ones.
const maxXML = 64 << 10

// number is one as an event has it: 0x79. One that can't be read is 0, which is no stop code.
func number(text string, bits int) uint64 {
	n, err := strconv.ParseUint(text, 0, bits)
	if err != nil {
		return 0
	}
	return n
}

// sameID compares two GUIDs, with or without braces.
func sameID(a, b string) bool { return strings.EqualFold(strings.Trim(a, "{}"), strings.Trim(b, "{}")) }

// clean is a word of the host's for a message.
func clean(s string) string { return untrusted.Clip(untrusted.Printable([]byte(s)), 200) }
