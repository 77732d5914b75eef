package crashdump_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"wskharness/crashdump"
	"wskharness/crashdump/dumptest"
)

const (
	ntBase  = 0xfffff805_10400000
	wskBase = 0xfffff805_2a3d0000
	oldBase = 0xfffff805_2a500000
)

var crashTime = time.Date(2026, 11, 25, 9, 30, 15, 123456700, time.UTC)

// spec is a page fault of the sample driver at wsksample.sys+0x1a2c.
func spec(kind uint32) dumptest.Spec {
	return dumptest.Spec{
		Type: kind, Code: 0xD1, Parameters: [4]uint64{0x18, 2, 1, wskBase + 0x1a2c},
		Processors: 4, Build: 26100, Time: crashTime, Uptime: 95 * time.Second, Comment: "on purpose",
		ExceptionCode: 0x80000003, ExceptionAddress: ntBase + 0x3f5210, IP: ntBase + 0x3f5210, SP: 0xfffffb80_12345678,
		Modules: []dumptest.Module{
			{Name: "ntoskrnl.exe", Path: `\SystemRoot\system32\ntoskrnl.exe`, Base: ntBase, Size: 0x1046000},
			{Name: "NETIO.SYS", Base: 0xfffff805_15000000, Size: 0x98000},
			{Name: "WskSample.sys", Base: wskBase, Size: 0x9000},
		},
		Memory: []dumptest.Memory{
			{Address: 0xfffffb80_12345000, Data: bytes.Repeat([]byte{0xcc}, 0x800)},
			{Address: 0xfffffb80_12346f80, Data: dumptest.ExceptionRecord(0xc0000409, wskBase+0x2222)},
		},
	}
}

func read(t *testing.T, data []byte) *crashdump.Dump {
	t.Helper()
	d, err := crashdump.Read(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// kinds are all types that are read, with the two layouts of the summary.
func kinds() map[string]dumptest.Spec {
	all := map[string]dumptest.Spec{}
	for _, kind := range []uint32{dumptest.Full, dumptest.KernelSummary, dumptest.HeaderOnly, dumptest.Mini, dumptest.BitmapFull,
		dumptest.BitmapKernel, dumptest.Automatic, dumptest.Kernel, dumptest.Active, dumptest.Complete} {
		all[crashdump.Type(kind).String()] = spec(kind)
	}
	old := spec(dumptest.KernelSummary)
	old.OldBitmap = true
	all["kernel summary, old layout"] = old
	large := spec(dumptest.BitmapKernel)
	large.LargePages = true
	all["bitmap kernel, large pages"] = large
	for name, s := range maps.Clone(all) {
		s.Machine, s.FP, s.LR = dumptest.ARM64, 0xfffffb80_12345700, 0x0055<<48|uint64(wskBase+0x500)&(1<<48-1)|1<<55
		all[name+", arm64"] = s
	}
	return all
}

func TestRoundTrip(t *testing.T) {
	for name, s := range kinds() {
		t.Run(name, func(t *testing.T) {
			data := s.Bytes()
			d := read(t, data)
			for _, p := range d.Problems {
				t.Errorf("problem: %v", p)
			}
			machine, registers := crashdump.AMD64, crashdump.Context{IP: ntBase + 0x3f5210, SP: 0xfffffb80_12345678}
			if s.Machine == dumptest.ARM64 {
				machine, registers.FP, registers.LR = crashdump.ARM64, 0xfffffb80_12345700, wskBase+0x500
			}
			want := crashdump.Header{
				Type: crashdump.Type(s.Type), Code: 0xD1, Parameters: [4]crashdump.Hex{0x18, 2, 1, wskBase + 0x1a2c},
				Machine: machine, Processors: 4, Major: 15, Build: 26100, Time: crashTime, Uptime: 95 * time.Second,
				Comment: "on purpose", ModuleList: dumptest.ListHead, DebuggerData: 0xfffff800_00d00000,
				DirectoryTable: d.DirectoryTable, RequiredSpace: crashdump.Hex(len(data)),
				Exception: crashdump.Exception{Code: 0x80000003, Address: ntBase + 0x3f5210, Parameters: []crashdump.Hex{1, 0x18}},
				Context:   registers,
			}
			if diff := cmp.Diff(want, d.Header); diff != "" {
				t.Errorf("header (-want +got):\n%s", diff)
			}
			if s.Type == dumptest.HeaderOnly {
				if len(d.Modules) != 0 || d.Fault.Known() || d.Signature().String() != "0xD1 unknown" {
					t.Errorf("modules %v, fault %v, signature %v, want nothing known", d.Modules, d.Fault, d.Signature())
				}
				return
			}
			modules := []crashdump.Module{
				{Name: "ntoskrnl.exe", Base: ntBase, Size: 0x1046000},
				{Name: "netio.sys", Base: 0xfffff805_15000000, Size: 0x98000},
				{Name: "wsksample.sys", Base: wskBase, Size: 0x9000},
			}
			if diff := cmp.Diff(modules, d.Modules); diff != "" {
				t.Errorf("modules (-want +got):\n%s", diff)
			}
			if got, want := d.Fault.String(), "wsksample.sys+0x1a2c (from parameter 4)"; got != want {
				t.Errorf("fault %q, want %q", got, want)
			}
			if got, want := d.Signature().String(), "0xD1 wsksample.sys+0x1a2c"; got != want {
				t.Errorf("signature %q, want %q", got, want)
			}
		})
	}
}

// TestFault has one case for each source of the address, and for each way not to know it.
func TestFault(t *testing.T) {
	for name, c := range map[string]struct {
		change            func(*dumptest.Spec)
		fault, signatures string
	}{
		"zero parameter, breakpoint, instruction pointer in the kernel": {
			func(s *dumptest.Spec) { s.Code, s.Parameters = 0x50, [4]uint64{0x1000, 2, 0, 0} },
			"unknown", "0x50 unknown",
		},
		"parameter in no module": {
			func(s *dumptest.Spec) { s.Parameters[3] = 0xfffff805_00001234; s.ExceptionCode = 0xc0000005 },
			"unknown: 0xfffff80500001234 is in no known module (from parameter 4)", "0xD1 unknown",
		},
		"just beyond the module": {
			func(s *dumptest.Spec) { s.Parameters[3] = wskBase + 0x9000 },
			"unknown: 0xfffff8052a3d9000 is in no known module (from parameter 4)", "0xD1 unknown",
		},
		"exception record of a parameter": {
			func(s *dumptest.Spec) { s.Code, s.Parameters = 0x139, [4]uint64{3, 1, 0xfffffb80_12346f80, 0} },
			"wsksample.sys+0x2222 (from the exception record of parameter 3)", "0x139 wsksample.sys+0x2222",
		},
		"exception record that is not in the dump": {
			func(s *dumptest.Spec) { s.Code, s.Parameters = 0x139, [4]uint64{3, 1, 0xfffffb80_99990000, 0} },
			"unknown", "0x139 unknown 0x3",
		},
		"exception in the header": {
			func(s *dumptest.Spec) {
				s.Code, s.Parameters, s.ExceptionCode, s.ExceptionAddress = 0x7F, [4]uint64{8}, 0xc0000005, wskBase+0x10
			},
			"wsksample.sys+0x10 (from exception record)", "0x7F wsksample.sys+0x10",
		},
		"instruction pointer": {
			func(s *dumptest.Spec) { s.Code, s.Parameters, s.IP = 0x80, [4]uint64{}, wskBase+0x20 },
			"wsksample.sys+0x20 (from instruction pointer)", "0x80 wsksample.sys+0x20",
		},
		"kinds of verifier": {
			func(s *dumptest.Spec) { s.Code, s.Parameters = 0xC4, [4]uint64{0x62, wskBase, 0, 7} },
			"unknown", "0xC4 unknown 0x62",
		},
		"I/O verifier, with an address": {
			func(s *dumptest.Spec) { s.Code, s.Parameters = 0xC9, [4]uint64{0x224, wskBase + 0x30, 1, 0} },
			"wsksample.sys+0x30 (from parameter 2)", "0xC9 wsksample.sys+0x30",
		},
		"I/O verifier, without": {
			func(s *dumptest.Spec) { s.Code, s.Parameters = 0xC9, [4]uint64{0x1, wskBase + 0x30, 1, 0} },
			"unknown", "0xC9 unknown 0x1",
		},
		"code of a driver's own": {
			func(s *dumptest.Spec) {
				s.Code, s.Parameters = 0xDEADBEEF, [4]uint64{1, 2, wskBase, 0xffffe001_00000000}
			},
			"unknown", "0xDEADBEEF unknown 0x1 0x2 * *",
		},
		"code with the mark of a minidump": {
			func(s *dumptest.Spec) {
				s.Code, s.Parameters = 0x1000007E, [4]uint64{0xffffffff_c0000005, wskBase + 0x40, 1, 2}
			},
			"wsksample.sys+0x40 (from parameter 2)", "0x1000007E wsksample.sys+0x40",
		},
	} {
		for _, kind := range []uint32{dumptest.Full, dumptest.Mini} {
			t.Run(fmt.Sprintf("%s/%v", name, crashdump.Type(kind)), func(t *testing.T) {
				s := spec(kind)
				c.change(&s)
				d := read(t, s.Bytes())
				if got := d.Fault.String(); got != c.fault {
					t.Errorf("fault %q, want %q", got, c.fault)
				}
				if got := d.Signature().String(); got != c.signatures {
					t.Errorf("signature %q, want %q", got, c.signatures)
				}
			})
		}
	}
}

// TestUnloadedDriver is what a WSK client does that does not wait for its callbacks.
func TestUnloadedDriver(t *testing.T) {
	s := spec(dumptest.Mini)
	s.Code, s.Parameters = 0xCE, [4]uint64{oldBase + 0x1100, 8, oldBase + 0x1100, 0}
	s.Unloaded = []dumptest.Module{{Name: "WskSample.sy", Base: oldBase, Size: 0x9000}} // the kernel cuts names to 12
	d := read(t, s.Bytes())
	if got, want := d.Fault.String(), "wsksample.sy+0x1100 (unloaded) (from parameter 3)"; got != want {
		t.Errorf("fault %q, want %q", got, want)
	}
	if got, want := d.Signature().String(), "0xCE wsksample.sy+0x1100"; got != want {
		t.Errorf("signature %q, want %q", got, want)
	}
}

// TestSignatureIsStable loads the same module elsewhere, as the next boot does.
func TestSignatureIsStable(t *testing.T) {
	s := spec(dumptest.Full)
	first := read(t, s.Bytes()).Signature()
	const moved = 0x2_31_0000
	s.Modules[2].Base += moved
	s.Parameters = [4]uint64{0x40, 2, 1, s.Parameters[3] + moved}
	s.Type, s.Modules[2].Name, s.Time = dumptest.Mini, "WSKSAMPLE.SYS", crashTime.Add(time.Hour)
	if second := read(t, s.Bytes()).Signature(); second != first {
		t.Errorf("signatures %q and %q, want the same", first, second)
	}
	if wine := crashdump.FaultSignature(0xD1, `C:\windows\system32\drivers\WskSample.sys`, 0x1a2c); wine != first {
		t.Errorf("signature %q of a path, want %q", wine, first)
	}
	s.Parameters[3]++
	if other := read(t, s.Bytes()).Signature(); other == first {
		t.Error("another offset has the same signature")
	}
}

func TestNoDump(t *testing.T) {
	data := spec(dumptest.Full).Bytes()
	old := append([]byte("PAGEDUMP"), data[8:]...)
	for name, c := range map[string]struct {
		data []byte
		want any
		text string
	}{
		"empty":       {nil, new(*crashdump.TruncatedError), "signature"},
		"four bytes":  {data[:4], new(*crashdump.TruncatedError), "signature"},
		"half header": {data[:0x1000], new(*crashdump.TruncatedError), "not fetched whole"},
		"text":        {[]byte("hello, world"), new(*crashdump.NotDumpError), `it begins with "hello, w"`},
		"zeros":       {make([]byte, 0x4000), new(*crashdump.NotDumpError), "not a Windows kernel crash dump"},
		"32 bits":     {old, new(*crashdump.UnsupportedError), "32-bit"},
		"user mode":   {[]byte("MDMP\x93\xa7\x00\x00"), new(*crashdump.UnsupportedError), "user mode"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := crashdump.Read(bytes.NewReader(c.data), int64(len(c.data)))
			if err == nil || !errors.As(err, c.want) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("%T %v, want %T with %q", err, err, c.want, c.text)
			}
		})
	}
}

// TestMachines tells of a machine's registers by their own names, and reads nothing into those of a machine that it does not know.
func TestMachines(t *testing.T) {
	for name, test := range map[string]struct {
		machine  uint32
		says     string
		problems string
	}{
		"x64":     {uint32(crashdump.AMD64), "rip ntoskrnl.exe+0x3f5210, rsp 0xfffffb8012345678\n", ""},
		"arm64":   {dumptest.ARM64, "pc ntoskrnl.exe+0x3f5210, sp 0xfffffb8012345678, fp 0xfffffb8012345700, lr wsksample.sys+0x500\n", ""},
		"unknown": {0x5064, "", "memory of an unknown (0x5064) system"}, // RISC-V
	} {
		t.Run(name, func(t *testing.T) {
			s := spec(dumptest.BitmapKernel)
			s.Machine, s.FP, s.LR = test.machine, 0xfffffb80_12345700, wskBase+0x500
			d := read(t, s.Bytes())
			if !strings.Contains(d.Describe(), test.says) || test.says == "" && strings.Contains(d.Describe(), "context") {
				t.Errorf("it is described as:\n%s", d.Describe())
			}
			if (len(d.Problems) > 0) != (test.problems != "") || len(d.Problems) > 0 && !strings.Contains(d.Problems[0].Error(), test.problems) {
				t.Errorf("problems %v, want %q", d.Problems, test.problems)
			}
		})
	}
}

// Entries that are valid and yet neither a table nor a page, as arm64 reserves them, lead nowhere.
func TestReservedEntriesOfARM64(t *testing.T) {
	s := spec(dumptest.Full)
	s.Machine = dumptest.ARM64
	data := s.Bytes()
	before := read(t, data)
	if len(before.Modules) != 3 {
		t.Fatalf("modules %v, want 3", before.Modules)
	}
	changed := 0
	for at := 0x2000; at+8 <= len(data); at += 8 { // each entry becomes a block, which only the two middle levels may have
		if entry := binary.LittleEndian.Uint64(data[at:]); entry&0xffff_0000_0000_0fff == 0x0060_0000_0000_0703 {
			binary.LittleEndian.PutUint64(data[at:], entry&^2)
			changed++
		}
	}
	d := read(t, data)
	if changed == 0 || len(d.Modules) != 0 || len(d.Problems) != 1 || !errors.As(d.Problems[0], new(*crashdump.AbsentError)) {
		t.Errorf("%d entries; modules %v, problems %v", changed, d.Modules, d.Problems)
	}
}

func TestOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "MEMORY.DMP")
	if err := os.WriteFile(path, spec(dumptest.BitmapKernel).Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	d, err := crashdump.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if !d.Fault.Known() {
		t.Errorf("fault %v", d.Fault)
	}
	if _, err := crashdump.Open(path + ".missing"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

// TestJSON checks that every kind of dump, impossible times included, can be marshalled.
func TestJSON(t *testing.T) {
	for name, s := range kinds() {
		data := s.Bytes()
		copy(data[0xfa8:], "\xff\xff\xff\xff\xff\xff\xff\x6f") // the year 26000 or so
		copy(data[0x1030:], "\xff\xff\xff\xff\xff\xff\xff\xff")
		d := read(t, data)
		out, err := json.Marshal(d)
		if err != nil {
			t.Errorf("%s: write it as JSON: got %v, want no error", name, err)
		}
		var got struct {
			Signature string
			Header    struct{ Parameters []string }
			Problems  []string
		}
		if err := json.Unmarshal(out, &got); err != nil {
			t.Errorf("%s: read its JSON: got %v, want no error", name, err)
		}
		if got.Signature != d.Signature().String() || got.Header.Parameters[0] != "0x18" || len(got.Problems) != 2 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// TestSparse reads a dump of 64 GiB, which no machine that runs this holds in memory.
func TestSparse(t *testing.T) {
	s := spec(dumptest.Full)
	data := s.Bytes()
	path := filepath.Join(t.TempDir(), "MEMORY.DMP")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 64<<30); err != nil {
		t.Skipf("no sparse files here: %v", err)
	}
	d, err := crashdump.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := d.Signature().String(), "0xD1 wsksample.sys+0x1a2c"; got != want {
		t.Errorf("signature %q, want %q", got, want)
	}
}
