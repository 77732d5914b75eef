package crashdump

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// logged is an event as the event schema lays it out.
func logged(provider string, id, record int, data string) string {
	return fmt.Sprintf(`<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='%s' Guid='{00000000-0000-0000-0000-000000000000}'/>`+
		`<EventID Qualifiers='16384'>%d</EventID><Version>0</Version><Level>2</Level><TimeCreated SystemTime='1999-12-31T23:59:59.9999999Z'/>`+
		`<EventRecordID>%d</EventRecordID><Channel>System</Channel><Computer>lab</Computer></System><EventData>%s</EventData></Event>`+"\r\n", provider, id, record, data)
}

const (
	reporting = "Microsoft-Windows-WER-SystemErrorReporting"
	power     = "Microsoft-Windows-Kernel-Power"
)

func powerData(code string) string {
	return `<Data Name='BugcheckCode'>` + code + `</Data><Data Name='BugcheckParameter1'>0x10</Data><Data Name='BugcheckParameter2'>0x2</Data>` +
		`<Data Name='BugcheckParameter3'>0x1</Data><Data Name='BugcheckParameter4'>0xfffff80112341a2c</Data><Data Name='SleepInProgress'>0</Data><Data Name='PowerButtonTimestamp'>0</Data>`
}

func TestReadEventLog(t *testing.T) {
	said := `<Data Name='param1'>0x000000d1 (0x0000000000000010, 0x0000000000000002, 0x0000000000000001, 0xfffff80112341a2c)</Data>` +
		`<Data Name='param2'>C:\Windows\MEMORY.DMP</Data><Data Name='param3'>112626-5000-01</Data>`
	parameters := [4]uint64{0x10, 2, 1, 0xfffff80112341a2c}
	for name, test := range map[string]struct {
		text   string
		want   []StopEvent
		newest uint64
		bad    bool
	}{
		"nothing": {},
		"a bugcheck, newest first": {
			text: logged(reporting, 1001, 913, said) + logged(power, 41, 907, powerData("209")) + logged("Service Control Manager", 7036, 906, "<Data>x</Data>"),
			want: []StopEvent{{Record: 913, ID: 1001, Code: 0xD1, Parameters: parameters, Dump: `C:\Windows\MEMORY.DMP`},
				{Record: 907, ID: 41, Code: 0xD1, Parameters: parameters}},
			newest: 913,
		},
		"power lost":                       {text: logged(power, 41, 5, strings.ReplaceAll(powerData("0"), "0x10", "0x0")), want: []StopEvent{{Record: 5, ID: 41, Parameters: [4]uint64{0, 2, 1, 0xfffff80112341a2c}}}, newest: 5},
		"a code that is no number":         {text: logged(power, 41, 5, powerData("0xD1")), want: []StopEvent{{Record: 5, ID: 41}}, newest: 5},
		"1001 of somebody else":            {text: logged("Windows Error Reporting", 1001, 5, said), newest: 5},
		"1001 without a code":              {text: logged(reporting, 1001, 5, "<Data>none</Data>"), want: []StopEvent{{Record: 5, ID: 1001}}, newest: 5},
		"unnamed data":                     {text: logged(reporting, 1001, 5, "<Data>0xe2 (0x1, 0x2, 0x3, 0x4)</Data>"), want: []StopEvent{{Record: 5, ID: 1001, Code: 0xE2, Parameters: [4]uint64{1, 2, 3, 4}}}, newest: 5},
		"a dump's name with escapes":       {text: logged(reporting, 1001, 5, "<Data>0xe2 (0x1, 0x2, 0x3, 0x4)</Data><Data>&#x9b;31m</Data>"), want: []StopEvent{{Record: 5, ID: 1001, Code: 0xE2, Parameters: [4]uint64{1, 2, 3, 4}, Dump: "?31m"}}, newest: 5},
		"cut off":                          {text: logged(power, 41, 5, powerData("209")) + "<Event><System>", want: []StopEvent{{Record: 5, ID: 41, Code: 0xD1, Parameters: parameters}}, newest: 5, bad: true},
		"a complaint":                      {text: "Access is denied.\r\n"},
		"something else":                   {text: "<html/>", bad: true},
		"a record that is no number":       {text: strings.Replace(logged(power, 41, 5, ""), "<EventRecordID>5", "<EventRecordID>-5", 1), bad: true},
		"more events than anybody asks of": {text: strings.Repeat(logged("x", 1, 7, ""), maxEvents+1), newest: 7, bad: true},
		"more than anybody reads":          {text: strings.Repeat(" ", maxEventLog+1), bad: true},
	} {
		t.Run(name, func(t *testing.T) {
			got, newest, err := ReadEventLog(strings.NewReader(test.text))
			if diff := cmp.Diff(test.want, got); diff != "" || newest != test.newest || (err != nil) != test.bad {
				t.Errorf("newest %d, error %v\n%s", newest, err, diff)
			}
		})
	}
	text := StopEvent{ID: 1001, Code: 0xD1, Parameters: parameters, Dump: `C:\Windows\MEMORY.DMP`}.String()
	if !strings.Contains(text, "0xD1 DRIVER_IRQL_NOT_LESS_OR_EQUAL (0x10, 0x2, 0x1, 0xfffff80112341a2c)") || !strings.HasSuffix(text, "MEMORY.DMP") {
		t.Errorf("got %q, want the stop code with its name and parameters, and the dump", text)
	}
}

func FuzzReadEventLog(f *testing.F) {
	f.Add(logged(power, 41, 5, powerData("209")))
	f.Add(logged(reporting, 1001, 5, "<Data>0xe2 (0x1, 0x2, 0x3, 0x4)</Data><Data>C:\\Windows\\MEMORY.DMP</Data>"))
	f.Add("<Event><System><EventRecordID>1</EventRecordID></System></Event><!DOCTYPE x [<!ENTITY y 'z'>]>&y;")
	f.Fuzz(func(t *testing.T, text string) {
		stops, newest, _ := ReadEventLog(strings.NewReader(text))
		for _, e := range stops {
			if e.Record > newest || e.ID != 41 && e.ID != 1001 || len(e.Dump) > maxDumpPath || e.String() != printable(e.String()) {
				t.Errorf("got stop %+v, want one up to record %d, printable", e, newest)
			}
		}
		if len(stops) > maxEvents {
			t.Errorf("%d events", len(stops))
		}
	})
}
