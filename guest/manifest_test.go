package guest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"wskharness/guest/transfer/frame"
)

// parseManifest reads the payload of a MANIFEST. The controller never receives one, but the agent of the tests does, and the
// two hold each other to the layout.
func parseManifest(b []byte, count int) ([]frame.Entry, error) {
	var entries []frame.Entry
	for i := range count {
		if len(b) < frame.EntryFixed {
			return nil, fmt.Errorf("manifest ends within file %d of %d", i, count)
		}
		size := binary.LittleEndian.Uint64(b)
		if size > math.MaxInt64 {
			return nil, fmt.Errorf("manifest file %d has size 0x%x", i, size)
		}
		e := frame.Entry{Size: int64(size), SHA256: [32]byte(b[8:40])}
		n := int(binary.LittleEndian.Uint16(b[40:]))
		b = b[frame.EntryFixed:]
		if len(b) < n {
			return nil, fmt.Errorf("manifest ends within the path of file %d", i)
		}
		if e.Path = string(b[:n]); !utf8.ValidString(e.Path) {
			return nil, fmt.Errorf("manifest file %d has a path that is not UTF-8", i)
		}
		b = b[n:]
		entries = append(entries, e)
	}
	if len(b) > 0 {
		return nil, fmt.Errorf("%d bytes after the last file of the manifest", len(b))
	}
	return entries, nil
}

func TestManifestRoundTrip(t *testing.T) {
	entries := []frame.Entry{{Size: 1 << 40, SHA256: [32]byte{1}, Path: `C:\ä\b`}, {Path: `D:\x`}}
	b := frame.AppendManifest(nil, entries)[frame.HeaderSize:]
	got, err := parseManifest(b, 2)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(entries, got); diff != "" {
		t.Error(diff)
	}
	for n := range b {
		if _, err := parseManifest(b[:n], 2); err == nil {
			t.Errorf("the first %d of %d bytes were taken for a manifest; want an error", n, len(b))
		}
	}
	if _, err := parseManifest(b, 1); err == nil {
		t.Error("a file more than announced was taken")
	}
}

func FuzzManifest(f *testing.F) {
	f.Add(frame.AppendManifest(nil, []frame.Entry{{Size: 5, Path: `C:\x`}, {Path: `C:\y`}})[frame.HeaderSize:], 2)
	f.Fuzz(func(t *testing.T, in []byte, count int) {
		entries, err := parseManifest(in, min(count, 1<<16))
		if err == nil && !bytes.Equal(frame.AppendManifest(nil, entries)[frame.HeaderSize:], in) {
			t.Fatalf("%x was read as %+v", in, entries)
		}
	})
}
