package wine

import "testing"

func TestEntryStatus(t *testing.T) {
	const line = `00c0:00cc:err:ntoskrnl:ZwLoadDriver failed to create driver L"\\Registry\\Machine\\System\\CurrentControlSet\\Services\\quirk": c0de0bad`
	for name, test := range map[string]struct {
		console string
		want    uint32
	}{
		"told":            {"noise\n" + line + "\r\nmore\n", 0xC0DE0BAD},
		"the last counts": {line + "\n" + line[:len(line)-8] + "c0000001\n", 0xC0000001},
		"of another":      {line[:len(line)-16] + `": c0000001`, 0},
		"in the middle":   {"x " + line, 0},
		"no number":       {line[:len(line)-8] + "c0de0bag", 0},
		"nothing":         {"", 0},
		"too long a word": {line + "0", 0},
	} {
		got, ok := entryStatus(test.console, "Quirk")
		if got != test.want || ok != (test.want != 0) {
			t.Errorf("%s: %#x, %t", name, got, ok)
		}
	}
}
