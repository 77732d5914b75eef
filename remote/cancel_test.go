//go:build linux

package remote_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"wskharness/remote"
	"wskharness/remote/winrmd"
	"wskharness/testtime"
)

func TestCancel(t *testing.T) {
	noLeaks(t)
	for _, action := range []string{"Create", "Command", "Receive", "Send"} {
		for _, way := range []string{"basic", "sealed"} {
			t.Run(way+" "+action, func(t *testing.T) {
				reached, answer := make(chan struct{}, 1), make(chan struct{})
				m := serve(t, winrmd.Options{Inject: func(r winrmd.Request) winrmd.InjectedFault {
					if r.Action == action && r.Count == 1 {
						reached <- struct{}{}
						<-answer // then carried out all the same
					}
					return winrmd.InjectedFault{}
				}})
				ep := m.basic
				if way == "sealed" {
					ep = m.sealed
				}
				client, err := remote.New(ep, remote.Options{})
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancelCause(t.Context())
				why := errors.New("the operator said so")
				go func() {
					<-reached
					cancel(why)
				}()
				shell, err := client.Shell(ctx, remote.ShellOptions{})
				if err == nil {
					_, err = shell.Run(ctx, remote.CommandLine{Line: "sleep 60"}, strings.NewReader("x"))
				}
				close(answer) // what waits for it has not come here
				if !errors.Is(err, why) {
					t.Errorf("got %v, want the context's cause", err)
				}
				if err := client.Close(); err != nil {
					t.Error(err)
				}
				infos, err := dial(t, m.basic, quick()).Shells(t.Context())
				if err != nil || len(infos) > 0 {
					t.Errorf("shells left on the server: %v, %v", infos, err)
				}
			})
		}
	}
}

func TestCancelKillsTheCommand(t *testing.T) {
	noLeaks(t)
	m := serve(t, winrmd.Options{})
	client := dial(t, m.basic, remote.Options{})
	shell := openShell(t, client, remote.ShellOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	command, err := shell.Start(ctx, remote.CommandLine{Line: "echo $$; sleep 60"})
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscan(command.Stdout, &pid); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := command.Wait(context.Background()); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait: %v", err)
	}
	if _, err := command.Stdin.Write([]byte("x")); err == nil {
		t.Error("wrote to a command that was cancelled")
	}
	if err := shell.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	testtime.Await(t, fmt.Sprintf("the end of process %d", pid), func() bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) })
}
