//go:build linux

package hyperv

import (
	"strings"
	"testing"

	"wskharness/vm"
)

// crashed is an event as Hyper-V has written it, but for names.
const crashed = `<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event">
  <System>
    <Provider Name="Microsoft-Windows-Hyper-V-Worker" Guid="{51ddfa29-d5c8-4803-be4b-2ecb715570fe}" />
    <EventID>18590</EventID>
    <TimeCreated SystemTime="2024-12-09T11:31:23.2356205Z" />
    <EventRecordID>35726</EventRecordID>
  </System>
  <UserData>
    <VmlEventLog xmlns="http://www.microsoft.com/Windows/Virtualization/Events">
      <VmName>Virtual Machine</VmName>
      <VmId>D9E0EB0A-5B37-508E-9173-67E9ADE83ACF</VmId>
      <VmErrorCode0>0x79</VmErrorCode0>
      <VmErrorCode1>0x6</VmErrorCode1>
      <VmErrorCode2>0x0</VmErrorCode2>
      <VmErrorCode3>0xfffff80000001000</VmErrorCode3>
      <VmErrorCode4>0x0</VmErrorCode4>
      <VmErrorMessage>
      </VmErrorMessage>
    </VmlEventLog>
  </UserData>
</Event>`

func TestReadEntry(t *testing.T) {
	got, ok := readEntry(crashed, "{d9e0eb0a-5b37-508e-9173-67e9ade83acf}")
	e := got.event
	if !ok || got.id != 18590 || e.Kind != vm.Panicked || e.Code != 0x79 || e.Args != [4]uint64{6, 0, 0xfffff80000001000, 0} || e.Time.Year() != 2024 {
		t.Errorf("got %+v, %v", got, ok)
	}
	for name, text := range map[string]string{
		"of another machine": strings.Replace(crashed, "D9E0", "D9E1", 1),
		"without a machine":  strings.Replace(crashed, "VmId", "Id", 2),
		"cut off":            crashed[:len(crashed)-10],
		"empty":              "",
		"too long":           crashed + strings.Repeat(" ", maxXML),
	} {
		if got, ok := readEntry(text, idA); ok {
			t.Errorf("%s: got %+v", name, got)
		}
	}
	for name, test := range map[string]struct{ from, to string }{
		"a code that is none":       {"0x79", "x"},
		"a code that is too large":  {"0x79", "0x179000000"},
		"a code that is not there":  {"<VmErrorCode0>0x79</VmErrorCode0>", ""},
		"a time that can't be read": {"2024-12-09", "yesterday"},
	} {
		if got, ok := readEntry(strings.Replace(crashed, test.from, test.to, 1), idA); !ok || got.event.Kind != vm.Panicked {
			t.Errorf("%s: got %+v, %v; want a crash all the same", name, got, ok)
		}
	}
}

func FuzzReadEntry(f *testing.F) {
	f.Add(crashed)
	f.Add(strings.Replace(crashed, "18590", "18514", 1))
	f.Add("<Event><UserData><VmlEventLog><VmId>" + idA + "</VmId></VmlEventLog></UserData></Event>")
	f.Fuzz(func(t *testing.T, text string) {
		e, ok := readEntry(text, idA)
		if ok && (e.event.Text == "" || len(e.event.Text) > 1000) {
			t.Errorf("a text of %d bytes", len(e.event.Text))
		}
		for _, r := range e.event.Text {
			if r < ' ' {
				t.Fatalf("the text has %q", r)
			}
		}
	})
}
