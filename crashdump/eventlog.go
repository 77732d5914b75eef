package crashdump

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// StopEvent is an event of a guest's System log that tells of a boot that did not end well.
//
// Event 1001 of Microsoft-Windows-WER-SystemErrorReporting has the stop code, its parameters and the place of the
// dump in its text; event 41 of Microsoft-Windows-Kernel-Power has code and parameters as data, and zeros where
// nobody could write them down before the machine was off. Sources: "Advanced troubleshooting for Event ID 41: The
// system has rebooted without cleanly shutting down first" (its EventData, BugcheckCode in decimal), "Event Schema
// Elements" (System, EventData). The order of what is in the text of 1001 is unproven.
type StopEvent struct {
	Record     uint64 // EventRecordID: later events of a log have larger ones, whatever the clock says
	ID         int    // 1001 or 41
	Code       uint32 // 0: the event has none
	Parameters [4]uint64
	Dump       string // where the guest says that it saved a dump
}

// String tells of the event in one line.
func (e StopEvent) String() string {
	if e.Code == 0 {
		return fmt.Sprintf("event %d of the System log has no stop code: power was lost, or the machine was reset, or it hung", e.ID)
	}
	why := explain(e.Code, e.Parameters)
	text := fmt.Sprintf("event %d of the System log: stop code 0x%X", e.ID, e.Code)
	if why.Name != "" {
		text += " " + why.Name
	}
	text += fmt.Sprintf(" (0x%x, 0x%x, 0x%x, 0x%x): %s", e.Parameters[0], e.Parameters[1], e.Parameters[2], e.Parameters[3], why.Meaning)
	if e.Dump != "" {
		text += "; it says that a dump was saved in " + e.Dump
	}
	return text
}

const (
	maxEventLog = 512 << 10 // bytes of XML
	maxEvents   = 64
	maxDumpPath = 260

	bugcheckEvent = 1001
	powerEvent    = 41
)

// eventXML is an Event of the schema http://schemas.microsoft.com/win/2004/08/events/event.
type eventXML struct {
	Provider struct {
		Name string `xml:"Name,attr"`
	} `xml:"System>Provider"`
	ID     string `xml:"System>EventID"`
	Record string `xml:"System>EventRecordID"`
	Data   []struct {
		Name string `xml:"Name,attr"`
		Text string `xml:",chardata"`
	} `xml:"EventData>Data"`
}

// ReadEventLog reads events as `wevtutil query-events … /format:XML` prints them, one Event element after the other
// and none around them. It returns those that tell how a boot ended, and the largest number of a record among all.
// What comes before something that can't be read counts: it is returned with the error.
func ReadEventLog(r io.Reader) (stops []StopEvent, newest uint64, err error) {
	text, err := io.ReadAll(io.LimitReader(r, maxEventLog+1))
	if err != nil {
		return nil, 0, fmt.Errorf("read the event log: %w", err)
	}
	if len(text) > maxEventLog {
		return nil, 0, fmt.Errorf("read the event log: more than %d bytes", maxEventLog)
	}
	d := xml.NewDecoder(strings.NewReader(strings.ToValidUTF8(string(text), "?")))
	for count := 0; ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return stops, newest, nil
		}
		if err != nil {
			return stops, newest, fmt.Errorf("read the event log: %w", err)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if count++; start.Name.Local != "Event" || count > maxEvents {
			return stops, newest, fmt.Errorf("read the event log: element %d is %.40q; there are to be at most %d of Event", count, start.Name.Local, maxEvents)
		}
		var in eventXML
		if err := d.DecodeElement(&in, &start); err != nil {
			return stops, newest, fmt.Errorf("read the event log: %w", err)
		}
		record, err := strconv.ParseUint(strings.TrimSpace(in.Record), 10, 64)
		if err != nil {
			return stops, newest, fmt.Errorf("read the event log: EventRecordID %.40q is no number", in.Record)
		}
		newest = max(newest, record)
		if stop, ok := in.stop(); ok {
			stop.Record = record
			stops = append(stops, stop)
		}
	}
}

// stop is what the event tells of a boot's end; false where it is about something else.
func (in *eventXML) stop() (StopEvent, bool) {
	switch id := strings.TrimSpace(in.ID); {
	case in.Provider.Name == "Microsoft-Windows-WER-SystemErrorReporting" && id == strconv.Itoa(bugcheckEvent):
		return in.bugcheck(), true
	case in.Provider.Name == "Microsoft-Windows-Kernel-Power" && id == strconv.Itoa(powerEvent):
		return in.power(), true
	}
	return StopEvent{}, false
}

// saidCode is a stop code with its parameters as 1001 has them: "0x0000009f (0x3, 0xfffffa80029c5060, …)".
var saidCode = regexp.MustCompile(`^\s*0x([0-9A-Fa-f]{1,8})\s*\(0x([0-9A-Fa-f]{1,16}),\s*0x([0-9A-Fa-f]{1,16}),\s*0x([0-9A-Fa-f]{1,16}),\s*0x([0-9A-Fa-f]{1,16})\)`)

func (in *eventXML) bugcheck() StopEvent {
	e := StopEvent{ID: bugcheckEvent}
	for i, data := range in.Data {
		found := saidCode.FindStringSubmatch(data.Text)
		if found == nil {
			continue
		}
		code, _ := strconv.ParseUint(found[1], 16, 32) // by the expression, it is one
		e.Code = uint32(code)
		for n := range e.Parameters {
			e.Parameters[n], _ = strconv.ParseUint(found[2+n], 16, 64)
		}
		if i+1 < len(in.Data) && len(in.Data[i+1].Text) <= maxDumpPath {
			e.Dump = printable(strings.TrimSpace(in.Data[i+1].Text))
		}
		break
	}
	return e
}

func (in *eventXML) power() StopEvent {
	e := StopEvent{ID: powerEvent}
	for _, data := range in.Data {
		text := strings.TrimSpace(data.Text)
		if data.Name == "BugcheckCode" {
			code, err := strconv.ParseUint(text, 10, 32) // decimal, unlike everywhere else
			if err != nil {
				return StopEvent{ID: powerEvent}
			}
			e.Code = uint32(code)
			continue
		}
		number, ok := strings.CutPrefix(data.Name, "BugcheckParameter")
		if !ok || len(number) != 1 || number[0] < '1' || number[0] > '4' {
			continue
		}
		e.Parameters[number[0]-'1'], _ = strconv.ParseUint(strings.TrimPrefix(text, "0x"), 16, 64) // zero where it is none
	}
	return e
}
