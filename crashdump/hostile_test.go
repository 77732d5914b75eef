package crashdump_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"wskharness/crashdump"
	"wskharness/crashdump/dumptest"
)

// typed tells whether an error is one of the package's own.
func typed(err error) bool {
	for _, want := range []any{new(*crashdump.NotDumpError), new(*crashdump.UnsupportedError), new(*crashdump.TruncatedError),
		new(*crashdump.CorruptError), new(*crashdump.AbsentError), new(*crashdump.ReadError)} {
		if errors.As(err, want) {
			return true
		}
	}
	return false
}

// use reads a dump and everything that can be asked of it, and holds it to the package's promises.
func use(t *testing.T, data []byte) *crashdump.Dump {
	t.Helper()
	d, err := crashdump.Read(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		if !typed(err) || d != nil {
			t.Fatalf("dump %v, error %T %v, want no dump and a typed error", d, err, err)
		}
		return nil
	}
	for _, p := range d.Problems {
		if !typed(p) || strings.ContainsFunc(p.Error(), func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Fatalf("problem %T %q, want a typed one that can be printed", p, p)
		}
	}
	for _, r := range d.Describe() {
		if r != '\n' && (r < ' ' || r > '~') {
			t.Fatalf("the description has the character %q", r)
		}
	}
	if s := d.Signature().String(); strings.Count(s, "\n") > 0 || (d.Fault.Known() && len(strings.Fields(s)) != 2) {
		t.Fatalf("signature %q", s)
	}
	if d.Fault.Known() {
		known := false
		for _, m := range append(d.Modules, d.Unloaded...) {
			known = known || (m.Name == d.Fault.Module && m.Base+d.Fault.Offset == d.Fault.Address && d.Fault.Offset < m.Size)
		}
		if !known {
			t.Fatalf("fault %+v is in none of the modules %v", d.Fault, d.Modules)
		}
	}
	if _, err := json.Marshal(d); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestTruncated cuts every type at every boundary of its layout and around it: the header survives,
// what is missing is said, and what is still said is right.
func TestTruncated(t *testing.T) {
	for name, s := range kinds() {
		t.Run(name, func(t *testing.T) {
			data := s.Bytes()
			whole := use(t, data)
			cuts := map[int]bool{}
			for at := 0; at <= len(data); at += 0x38 { // finely where the headers' tables are
				if (at >= 0x1f00 && at < 0x2800) || at%0x380 == 0 {
					cuts[at] = true
				}
			}
			for at := 0; at <= len(data); at += 0x1000 {
				cuts[max(at-1, 0)], cuts[at], cuts[min(at+1, len(data))] = true, true, true
			}
			for cut := range cuts {
				d := use(t, data[:cut])
				switch {
				case cut < 0x2000 && d != nil:
					t.Fatalf("cut at 0x%x: a dump without its header was read", cut)
				case cut >= 0x2000 && d == nil:
					t.Fatalf("cut at 0x%x: the header is whole and was not read", cut)
				case cut >= 0x2000 && cut < len(data):
					truncated := false
					for _, p := range d.Problems {
						truncated = truncated || errors.As(p, new(*crashdump.TruncatedError))
					}
					if !truncated || d.Code != 0xD1 || d.Time != crashTime {
						t.Fatalf("cut at 0x%x: problems %v, code %v, time %v", cut, d.Problems, d.Code, d.Time)
					}
					for i, m := range d.Modules {
						if m != whole.Modules[i] {
							t.Fatalf("cut at 0x%x: module %v, want %v", cut, m, whole.Modules[i])
						}
					}
				}
			}
		})
	}
}

// TestMutated changes bytes, fields and pointers of every type at random, with a fixed seed: nothing
// may panic, hang or break a promise.
func TestMutated(t *testing.T) {
	values := []uint64{0, 1, 7, 0x1000, 0x7fffffff, 0xffffffff, 1 << 40, 1<<63 - 1, 1 << 63, 1<<64 - 1, dumptest.ListHead}
	for name, s := range kinds() {
		t.Run(name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(4, 64))
			original := s.Bytes()
			for range 200 {
				data := bytes.Clone(original)
				for range 1 + random.IntN(4) {
					at := random.IntN(len(data) - 8)
					switch random.IntN(4) {
					case 0:
						data[at] ^= 1 << random.IntN(8)
					case 1: // a field of one of the headers
						at = random.IntN(0x2100/4) * 4 % (len(data) - 8)
						binary.LittleEndian.PutUint32(data[at:], uint32(values[random.IntN(len(values))]))
					case 2:
						binary.LittleEndian.PutUint64(data[at&^7:], values[random.IntN(len(values))])
					case 3: // one piece over another
						copy(data[at&^7:], data[random.IntN(len(data))&^7:][:8])
					}
				}
				use(t, data)
			}
		})
	}
}

// TestListWithoutEnd has a list of modules that leads back into itself and not to its head.
func TestListWithoutEnd(t *testing.T) {
	data := spec(dumptest.Full).Bytes()
	link := binary.LittleEndian.AppendUint64(nil, 0xfffff800_00e00000+2*0x1a0)
	at := bytes.Index(data, link)
	entry := bytes.Index(data, binary.LittleEndian.AppendUint64(nil, wskBase)) - 0x30
	if at < 0 || entry < 0 {
		t.Fatal("the list is not where the test looks for it")
	}
	copy(data[entry:], link) // the last entry leads to itself
	d := use(t, data)
	if len(d.Modules) != 3 || len(d.Problems) != 1 || !strings.Contains(d.Problems[0].Error(), "circle") {
		t.Errorf("modules %v, problems %v, want three modules and a circle", d.Modules, d.Problems)
	}
}

// TestHostileSizes has counts and sizes that would ask for a lot of memory or time.
func TestHostileSizes(t *testing.T) {
	put32 := func(at int, v uint32) func([]byte) {
		return func(d []byte) { binary.LittleEndian.PutUint32(d[at:], v) }
	}
	put64 := func(at int, v uint64) func([]byte) {
		return func(d []byte) { binary.LittleEndian.PutUint64(d[at:], v) }
	}
	for name, c := range map[string]struct {
		kind   uint32
		change func([]byte)
		text   string
	}{
		"drivers":           {dumptest.Mini, put32(0x2034, 0xffffffff), "4294967295 drivers"},
		"name":              {dumptest.Mini, put32(0x2080, 0xffffffff), "no length of a name"},
		"data blocks":       {dumptest.Mini, put32(0x207c, 0xffffffff), "data blocks: 4294967295"},
		"not written whole": {dumptest.Mini, put32(0x2008, 0), "not written to its end"},
		"runs":              {dumptest.Full, put32(0x88, 43), "room for 42"},
		"run":               {dumptest.Full, put64(0xa0, 1<<60), "impossible"},
		"bitmap":            {dumptest.BitmapFull, put64(0x2030, 1<<40), "impossible"},
		"bitmap's end":      {dumptest.BitmapFull, put64(0x2030, 1<<31), "beyond the end of the file"},
		"first page":        {dumptest.BitmapFull, put64(0x2020, 0x2000), "within the bitmap"},
		"pages":             {dumptest.BitmapKernel, put64(0x2028, 1), "the header counts 1 pages"},
		"ranges":            {dumptest.Active, put64(0x2018, 1<<62), "contradict"},
		"page tables":       {dumptest.Full, put64(0x10, 1<<45), "not in the dump"},
		"list head":         {dumptest.Full, put64(0x20, 0x00ff_0000_0000_0000), "not an address of x64"},
		"type":              {dumptest.Full, put32(0xf98, 77), "unknown (77)"},
	} {
		t.Run(name, func(t *testing.T) {
			data := spec(c.kind).Bytes()
			c.change(data)
			d := use(t, data)
			var all []string
			for _, p := range d.Problems {
				all = append(all, p.Error())
			}
			if !strings.Contains(strings.Join(all, "\n"), c.text) {
				t.Errorf("problems %q, want one with %q", all, c.text)
			}
		})
	}
}

// failing can't be read from an offset on.
type failing struct {
	*bytes.Reader
	from int64
}

func (f failing) ReadAt(p []byte, at int64) (int, error) {
	if at+int64(len(p)) > f.from {
		return 0, io.ErrClosedPipe
	}
	return f.Reader.ReadAt(p, at)
}

func TestReadError(t *testing.T) {
	data := spec(dumptest.Full).Bytes()
	if _, err := crashdump.Read(failing{bytes.NewReader(data), 0x100}, int64(len(data))); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("header: %v, want the reader's own error", err)
	}
	d, err := crashdump.Read(failing{bytes.NewReader(data), 0x2800}, int64(len(data)))
	if err != nil || len(d.Problems) != 1 || !errors.Is(d.Problems[0], io.ErrClosedPipe) {
		t.Errorf("pages: %v, problems %v, want the reader's own error", err, d.Problems)
	}
}

// FuzzRead must not panic, hang, or give what the package promises not to.
func FuzzRead(f *testing.F) {
	for _, s := range kinds() {
		f.Add(s.Bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) { use(t, data) })
}
