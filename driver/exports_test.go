package driver

import (
	"encoding/binary"
	"errors"
	"testing"
)

// TestExportOf reads what the model exports, and what a file makes of that which lies.
func TestExportOf(t *testing.T) {
	model := build(t, toolchain(t), ModelSpec(nil), Cache{Dir: t.TempDir()})
	routine, err := ExportOf(model.Path, "WskTestControl")
	if err != nil || !routine.Code {
		t.Errorf("the control: %+v, %v", routine, err)
	}
	number, err := ExportOf(model.Path, "WskTestControlVersion")
	if err != nil || number.Code || !number.Known || number.Number != 3 {
		t.Errorf("its version: %+v, %v", number, err)
	}
	var format *FormatError
	if _, err := ExportOf(model.Path, "WskTest"); !errors.As(err, &format) {
		t.Errorf("a name that is not there: %v", err)
	}
	if _, err := ExportOf(model.Path+".gone", "WskTestControl"); err == nil {
		t.Error("a file that is not there is read")
	}
	data := readFile(t, model.Path)
	p, err := newImageReader(data)
	if err != nil {
		t.Fatal(err)
	}
	table := p.at(p.directory(0).VirtualAddress, 40)
	for what, field := range map[string]int{"functions": 28, "ordinals": 36} {
		was := binary.LittleEndian.Uint32(table[field:])
		binary.LittleEndian.PutUint32(table[field:], 0xFFFFFF00)
		if e, err := exportOf(data, "WskTestControl"); !errors.As(err, &format) {
			t.Errorf("%s elsewhere: %+v, %v", what, e, err)
		}
		binary.LittleEndian.PutUint32(table[field:], was)
	}
}
