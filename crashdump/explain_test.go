package crashdump

import (
	stdcmp "cmp"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden file anew")

// TestExplanations shows every row of the table, with every subcode, as people see it.
func TestExplanations(t *testing.T) {
	var b strings.Builder
	rows := slices.SortedFunc(slices.Values(stopCodes()), func(a, b stopCode) int { return stdcmp.Compare(a.code, b.code) })
	for _, row := range rows {
		b.WriteString(explain(uint32(row.code), [4]uint64{0x18, 2, 1, 0xfffff805_2a3d1a2c}).String() + "\n")
		for _, kind := range slices.Sorted(maps.Keys(row.subcode)) {
			b.WriteString(explain(uint32(row.code), [4]uint64{kind, 2, 1, 0xffffe001_00000018}).String() + "\n")
		}
	}
	b.WriteString(explain(0x11E, [4]uint64{1, 2, 3, 4}).String() + "\n")
	b.WriteString(explain(0xDEADBEEF, [4]uint64{1, 2, 3, 1<<64 - 1}).String())
	path := filepath.Join("testdata", "explanations.txt")
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; go test ./crashdump -update makes it", err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("explanations (-want +got); go test ./crashdump -update accepts it:\n%s", diff)
	}
}

// TestTable holds the rows to what the code relies on and readers expect.
func TestTable(t *testing.T) {
	codes := map[uint32]bool{}
	for _, row := range stopCodes() {
		at := row.name
		if codes[uint32(row.code)] {
			t.Errorf("%s: twice in the table", at)
		}
		codes[uint32(row.code)] = true
		if row.code == 0 || row.code.String() != row.name {
			t.Errorf("%s: no stop code has this name", at)
		}
		if !strings.HasSuffix(row.meaning, ".") || row.next == "" || strings.HasSuffix(row.next, ".") {
			t.Errorf("%s: a meaning is a sentence, what to do next is not", at)
		}
		if row.fault < 0 || row.fault > 4 || row.record < 0 || row.record > 4 {
			t.Errorf("%s: fault %d, record %d", at, row.fault, row.record)
		}
		if row.fault != 0 && !strings.Contains(row.params[row.fault-1].text, "address") {
			t.Errorf("%s: parameter %d is %q, not an address", at, row.fault, row.params[row.fault-1].text)
		}
		if row.subcode != nil && !slices.Contains(row.same, 1) {
			t.Errorf("%s: its kinds would have the same signature", at)
		}
		for _, n := range row.same {
			if text := row.params[n-1].text; strings.Contains(text, "address") {
				t.Errorf("%s: parameter %d is %q: an address is not the same in every run", at, n, text)
			}
		}
	}
	// The codes that the issue names, as far as they are sure.
	for _, code := range []uint32{0xA, 0xD1, 0x50, 0x1E, 0x3B, 0x7E, 0x7F, 0x8E, 0xC2, 0xC4, 0xC5, 0xC9, 0xCE, 0xD5, 0xE2, 0xE3, 0xF7, 0xFC,
		0x101, 0x109, 0x10D, 0x124, 0x125, 0x126, 0x133, 0x7C, 0x1D3, 0xA0, 0x139, 0x13A, 0x154, 0x19, 0x1A, 0x24, 0x4E, 0x80, 0x9F, 0xDEADDEAD} {
		if !codes[code] {
			t.Errorf("0x%X is not in the table", code)
		}
	}
}

func TestExplanationIsPrintable(t *testing.T) {
	for _, row := range stopCodes() {
		text := explain(uint32(row.code), [4]uint64{}).String()
		for _, kind := range slices.Sorted(maps.Keys(row.subcode)) {
			text += explain(uint32(row.code), [4]uint64{kind}).String()
		}
		if i := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && (r < ' ' || r > '~') }); i >= 0 {
			t.Errorf("%s: got %q, want printable ASCII", row.name, text[i:])
		}
	}
}

func TestReadings(t *testing.T) {
	for _, c := range []struct {
		got, want string
	}{
		{explain(0xA, [4]uint64{0, 0xff, 8}).Parameters[1].Reading, "interrupts were off"},
		{explain(0xA, [4]uint64{0, 5, 8}).Parameters[1].Reading, "a device's level"},
		{explain(0xA, [4]uint64{0, 5, 8}).Parameters[2].Reading, "execute"},
		{explain(0xA, [4]uint64{0, 1 << 40, 1 << 40}).Parameters[2].Reading, ""},
		{explain(0x1E, [4]uint64{0xffffffff_c0000005}).Parameters[0].Reading, "STATUS_ACCESS_VIOLATION"},
		{explain(0x50, [4]uint64{0, 2}).Parameters[1].Reading, "write"},
		{explain(0xC4, [4]uint64{0x62}).Detail, "the driver was unloaded without freeing all of its pool"},
		{explain(0x139, [4]uint64{3}).Detail, "a LIST_ENTRY is corrupt, perhaps removed twice"},
		{explain(0x139, [4]uint64{99}).Detail, ""},
		{explain(0x1000007E, [4]uint64{}).Name, "SYSTEM_THREAD_EXCEPTION_NOT_HANDLED"},
		{explain(0x4711, [4]uint64{}).Name, ""},
		{explain(0, [4]uint64{}).Name, ""},
		{explain(0x125, [4]uint64{}).Name, "NMR_INVALID_STATE"},
		{explain(0x126, [4]uint64{2}).Detail, "an MDL is in an invalid state"},
		{explain(0x7C, [4]uint64{0x25, 0x14}).Parameters[1].Reading, "detach of a filter"},
		{explain(0x7C, [4]uint64{0x14, 2}).Parameters[1].Reading, "DISPATCH_LEVEL"},
		{explain(0xC8, [4]uint64{0x020001}).Parameters[0].Reading, "DISPATCH_LEVEL, not PASSIVE_LEVEL"},
		{explain(0xC8, [4]uint64{1 << 40}).Parameters[0].Reading, ""},
		{explain(0x1D5, [4]uint64{0x6d61736b7377}).Parameters[0].Reading, "wsksam"},
		{explain(0x1D5, [4]uint64{0x1b}).Parameters[0].Reading, "?"},
		{explain(0x11E, [4]uint64{}).Name, "TOO_MANY_RECURSIVE_FAULTS"},
		{explain(0x100000EA, [4]uint64{}).Name, "THREAD_STUCK_IN_DEVICE_DRIVER"},
		{explain(0x800000D1, [4]uint64{}).Name, "DRIVER_IRQL_NOT_LESS_OR_EQUAL"},
		{explain(0x400001EE, [4]uint64{}).Name, "MPSDRV_QUERY_USER"},
		{explain(0xC000021A, [4]uint64{}).Name, "STATUS_SYSTEM_PROCESS_TERMINATED"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

func TestSignatureText(t *testing.T) {
	for _, c := range []struct {
		got  Signature
		want string
	}{
		{FaultSignature(0xC0000005, "wsksample.sys", 0x1a2c), "0xC0000005 wsksample.sys+0x1a2c"},
		{FaultSignature(0xC0000005, `C:\Windows\My Driver+1.SYS`, 0), "0xC0000005 my_driver_1.sys+0x0"},
		{FaultSignature(0xC0000005, "ä\n.sys", 1), "0xC0000005 ??.sys+0x1"},
		{FaultSignature(0xC0000005, "", 7), "0xC0000005 unknown"},
		{bugcheckSignature(0xD1, [4]uint64{0x18, 2, 1, 0xfffff805_2a3d1a2c}), "0xD1 unknown"},
		{bugcheckSignature(0x139, [4]uint64{3, 1, 2}), "0x139 unknown 0x3"},
		{bugcheckSignature(0x109, [4]uint64{1 << 63, 1 << 62, 3, 0x18}), "0x109 unknown 0x18"},
		{bugcheckSignature(0xE2, [4]uint64{}), "0xE2 unknown"},
		{bugcheckSignature(0x4711, [4]uint64{1, 1 << 32}), "0x4711 unknown 0x1 * 0x0 0x0"},
		{bugcheckSignature(0x11E, [4]uint64{1, 1 << 32}), "0x11E unknown 0x1 * 0x0 0x0"},
		{bugcheckSignature(0x125, [4]uint64{5, 1 << 62}), "0x125 unknown 0x5"},
	} {
		if got := c.got.String(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
