//go:build linux

package winrmd_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"wskharness/remote"
	"wskharness/remote/winrmd"
)

// leaving is a host that goes down.
type leaving struct{}

func (leaving) Start(context.Context, winrmd.Spec) (winrmd.Process, error) {
	return nil, fmt.Errorf("start a command in the guest: %w", winrmd.ErrGoingDown)
}

// A command that comes to a machine on its way down finds its shell gone, as the next one will: that may pass, while a failure
// of the service may not.
func TestMachineThatGoesDown(t *testing.T) {
	t.Parallel()
	e := serve(t, winrmd.Options{Host: leaving{}})
	client, err := remote.New(e.client(), remote.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	shell, err := client.Shell(t.Context(), remote.ShellOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = shell.Run(t.Context(), remote.CommandLine{Line: "ver"}, nil)
	fault, ok := errors.AsType[*remote.Fault](err)
	if !ok || fault.Code != 995 || !remote.IsGone(err) {
		t.Errorf("got %v; want code 995 (ERROR_OPERATION_ABORTED), which is a shell that is gone", err)
	}
}
