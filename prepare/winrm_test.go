package prepare_test

import (
	"testing"

	"wskharness/prepare/windows"
	"wskharness/prepare/windowstest"
	"wskharness/remote"
	"wskharness/testtime"
	"wskharness/vm/powershell"
)

// Over WinRM, with PowerShell's command line, its input and its output, and a machine that goes down and comes back.
func TestOverWinRM(t *testing.T) {
	w := windowstest.New()
	w.German = true
	client, err := remote.New(windowstest.Serve(t, w), remote.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	before := w.Snapshot()
	p := preparation(windows.PowerShell{Host: powershell.Remote(client, "box")}, everything(t))
	ctx := testtime.Context(t)
	if err := p.Run(ctx); err != nil {
		t.Fatal(err)
	}
	plan, err := p.Plan(ctx)
	if err != nil || !plan.Done() {
		t.Errorf("%+v, %v", plan, err)
	}
	if err := p.Undo(ctx); err != nil {
		t.Fatal(err)
	}
	if after := w.Snapshot(); after != before {
		t.Errorf("it was not brought back:\n%s", difference(before, after))
	}
}
