//go:build linux

package hyperv

import (
	"context"
	"errors"
	"strings"
	"testing"

	"wskharness/vm/powershell"
)

// Every error that is documented, or was reported, is told with what to do: by words and numbers, since the host speaks any language.
func TestErrorsOfTheHost(t *testing.T) {
	const ns = ",Microsoft.HyperV.PowerShell.Commands."
	coded := func(e *powershell.Error, hresult uint32) *powershell.Error {
		e.Exceptions = append(e.Exceptions, powershell.Exception{Type: "System.Exception", HResult: int32(hresult), Message: "cause"})
		return e
	}
	for name, test := range map[string]struct {
		script string
		err    *powershell.Error
		want   string
	}{
		"no module":                     {"look", failure("CommandNotFoundException", powershell.ObjectNotFound, "", `The term 'Hyper-V\Get-VM' is not recognized`), "Install-WindowsFeature Hyper-V"},
		"a module that can't be loaded": {"look", failure("CouldNotAutoLoadModule", powershell.ObjectNotFound, "", "x"), "Install-WindowsFeature Hyper-V"},
		"a module of another edition":   {"look", failure("Modules_PSEditionNotSupported,Microsoft.PowerShell.Commands.ImportModuleCommand", powershell.ResourceUnavailable, "Import-Module", "x"), "Windows PowerShell 5.1"},
		"no permission":                 {"look", failure("AccessDenied"+ns+"GetVM", powershell.PermissionDenied, "Get-VM", "You do not have the required permission to complete this task."), "Hyper-V Administrators"},
		"no permission, by WMI":         {"restore", failure("Unspecified"+ns+"RestoreVMSnapshot", 0, "Restore-VMSnapshot", "Zugriff verweigert (0x80041003)"), "Hyper-V Administrators"},
		"no permission for the log": {"look", &powershell.Error{ID: "UnauthorizedAccessException", Category: 0, Exceptions: []powershell.Exception{
			{Type: "System.Management.Automation.MethodInvocationException", Message: `Exception calling "ReadEvent" with "0" argument(s)`}}}, "Event Log Readers"},
		"the VM may not open its disk": {"restore", failure("AccessDenied"+ns+"StartVM", powershell.PermissionDenied, "Start-VM", "General access denied error (0x80070005)"), "icacls"},
		"too little memory":            {"restore", failure("OutOfMemory"+ns+"StartVM", 25, "Start-VM", "Not enough memory in the system (0x8007000E)"), "not enough memory"},
		"too little memory, otherwise": {"restore", failure("Unspecified"+ns+"StartVM", 0, "Start-VM", "Zasoby systemowe nie wystarczają (0x800705AA)"), "not enough memory"},
		"too little memory, by WMI":    {"restore", failure("OperationFailed"+ns+"StartVM", 0, "Start-VM", "RequestStateChange: 32778"), "not enough memory"},
		"a file in use":                {"restore", failure("ObjectInUse"+ns+"StartVM", 26, "Start-VM", "The process cannot access the file (0x80070020)"), "is in use"},
		"a file in use, by number":     {"restore", coded(failure("Unspecified"+ns+"StartVM", 0, "Start-VM", "x"), 0x80070020), "is in use"},
		"a full disk":                  {"checkpoint", failure("Unspecified"+ns+"CheckpointVM", 0, "Checkpoint-VM", "Es steht nicht genug Speicherplatz (0x80070070)"), "disk is full"},
		"a broken chain":               {"restore", failure("Unspecified"+ns+"StartVM", 0, "Start-VM", "The chain of virtual hard disks is corrupted (0xC03A000E)"), "chain of disks is broken"},
		"a disk that is not there":     {"restore", failure("ObjectNotFound"+ns+"StartVM", powershell.ObjectNotFound, "Start-VM", "(0x80070002)"), "is not there"},
		"no service":                   {"look", failure("ObjectNotFound"+ns+"GetVM", powershell.ObjectNotFound, "Get-VM", "Verify that the Virtual Machine Management service is running."), "Start-Service vmms"},
		"the VM is gone":               {"restore", failure("InvalidParameter"+ns+"GetVM", powershell.InvalidArgument, "Get-VM", "x"), "is not there any more"},
		"no log":                       {"look", failure("EventLogNotFoundException", 0, "", "x"), "event logs"},
		"the wrong state":              {"restore", failure("InvalidState"+ns+"StartVM", powershell.InvalidOperation, "Start-VM", "x"), "does not allow that in the state"},
		"the wrong state, by WMI":      {"restore", failure("Unspecified"+ns+"RestoreVMSnapshot", 0, "Restore-VMSnapshot", "ApplySnapshot 32775"), "does not allow that in the state"},
		"time-out":                     {"restore", failure("Unspecified"+ns+"StartVM", 0, "Start-VM", "Code 32772"), "too busy"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			o := h.options()
			h.before = func(_ context.Context, script string) error {
				if script == test.script {
					return test.err
				}
				return nil
			}
			err := acquireAndCheckpoint(t.Context(), o)
			if got, ok := errors.AsType[*powershell.Error](err); !ok || got.ID != test.err.ID {
				t.Errorf("got %v, want the error %s", err, test.err.ID)
			}
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Count(err.Error(), test.want) != 1 {
				t.Errorf("got %v; want %q in it, once", err, test.want)
			}
			nothingLeft(t, h, o)
		})
	}
	if err := errors.New("x"); explain(err) != err || explain(nil) != nil {
		t.Error("what is no error of PowerShell's was changed")
	}
	unknown := failure("Strange"+ns+"StartVM", 0, "Start-VM", "x 1327780 32")
	if explain(unknown) != error(unknown) {
		t.Errorf("an unknown error was explained: %v", explain(unknown))
	}
}

func acquireAndCheckpoint(ctx context.Context, o options) error {
	m, err := newProvider(o).Acquire(ctx, aRun)
	if err != nil {
		return err
	}
	return errors.Join(m.(*machine).Checkpoint(ctx), m.Release(ctx))
}

// What doctor says of this machine, and what of it is to be done.
func TestCheckHost(t *testing.T) {
	for name, test := range map[string]struct {
		host        func(h *playedHost)
		ok          bool
		detail, fix string
	}{
		"good":          {func(*playedHost) {}, true, "hv1", ""},
		"not allowed":   {func(h *playedHost) { h.allowed = false }, false, `LAB\tester`, "S-1-5-32-578"},
		"no module":     {func(h *playedHost) { h.before = failing(failure("CommandNotFoundException", 13, "", "x")) }, false, "CommandNotFoundException", "Install-WindowsFeature"},
		"unexplainable": {func(h *playedHost) { h.before = failing(failure("Strange", 0, "", "x")) }, false, "Strange", ""},
	} {
		h := newHost(t)
		test.host(h)
		host, closing, err := place{URL: h.endpoint.URL, Login: h.options().Login}.open(h.options().Host, "doctor")
		if err != nil {
			t.Fatal(err)
		}
		got := checkHost(t.Context(), host)
		closing()
		if got.OK != test.ok || !test.ok && !strings.Contains(got.Detail, test.detail) || !strings.Contains(got.Fix, test.fix) {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func failing(err error) func(context.Context, string) error {
	return func(context.Context, string) error { return err }
}
