package harness

import (
	"encoding/json"
	"testing"

	"wskharness/guest"
	"wskharness/results"
	"wskharness/suites/output"
	"wskharness/vm"
)

// TestCodePagesAreKept: a controller that takes up a run reads what was written by the pages of the guest that wrote it, also
// when that guest is gone.
func TestCodePagesAreKept(t *testing.T) {
	l := &driverRun{session: &session{facts: guest.Facts{ACP: 1252, OEMCP: 850}}}
	data, err := json.Marshal(checkpoint{Run: &openRun{Pages: l.codePages()}})
	if err != nil {
		t.Fatal(err)
	}
	var was checkpoint
	if err := json.Unmarshal(data, &was); err != nil {
		t.Fatal(err)
	}
	if want := (output.CodePages{ANSI: 1252, OEM: 850}); was.Run.Pages != want {
		t.Errorf("%+v, want %+v", was.Run.Pages, want)
	}
	if got := recordOf(vm.Stack{}, guest.Facts{ACP: 1252, OEMCP: 850}).Facts.CodePages; *got != (results.CodePages{ANSI: 1252, OEM: 850}) {
		t.Errorf("the record says %v", got)
	}
}
