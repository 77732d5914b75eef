//go:build linux

package remote_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"wskharness/remote"
	"wskharness/remote/winrmd"
	"wskharness/testtime"
)

func TestSilenceIsNoFailure(t *testing.T) {
	noLeaks(t)
	var seen counter
	m := serve(t, winrmd.Options{Inject: seen.inject})
	opts := quick()
	opts.OperationTimeout = 50 * time.Millisecond
	shell := openShell(t, dial(t, m.basic, opts), remote.ShellOptions{})
	// It says nothing before its input ends: the third time that it is asked, the server has said so twice.
	thrice := awaited(func() {
		testtime.Await(t, "the third Receive", func() bool { return seen.of("Receive") >= 3 })
	})
	got, err := shell.Run(t.Context(), remote.CommandLine{Line: "cat; echo late; exit 5"}, thrice)
	if err != nil || string(got.Stdout) != "late\n" || got.ExitCode != 5 {
		t.Errorf("got %q, exit code %d, %v", got.Stdout, got.ExitCode, err)
	}
}

// awaited is an input that ends when something has happened.
type awaited func()

func (a awaited) Read([]byte) (int, error) {
	a()
	return 0, io.EOF
}

func TestShellVanishes(t *testing.T) {
	noLeaks(t)
	for _, action := range []string{"Command", "Receive", "Send"} {
		t.Run(action, func(t *testing.T) {
			seen := counter{plan: at(action, 1, winrmd.InjectedFault{Kind: winrmd.ShellVanishes})}
			m := serve(t, winrmd.Options{Inject: seen.inject})
			client := dial(t, m.basic, remote.Options{OperationTimeout: time.Hour}) // one that asks for output once more asks more often
			shell := openShell(t, client, remote.ShellOptions{})
			before := client.Stats().Requests
			_, err := shell.Run(t.Context(), remote.CommandLine{Line: "sleep 60"}, strings.NewReader("input"))
			if !remote.IsGone(err) {
				t.Fatalf("got %v, want a fault for which IsGone holds", err)
			}
			if n := client.Stats().Requests - before; n > 5 {
				t.Errorf("%d requests to a shell that is gone", n)
			}
			if err := shell.Close(t.Context()); err != nil {
				t.Errorf("closing a shell that is gone: %v", err)
			}
		})
	}
}

func TestQuota(t *testing.T) {
	noLeaks(t)
	limits := winrmd.Limits{MaxShellsPerUser: 2}
	owner := func(name string, wait time.Duration) remote.Options {
		opts := quick()
		opts.Owner, opts.QuotaWait = name, wait
		return opts
	}
	t.Run("own strays are cleared away", func(t *testing.T) {
		m := serve(t, winrmd.Options{Limits: limits})
		openShell(t, dial(t, m.basic, owner("me", -1)), remote.ShellOptions{Name: "stray"})
		openShell(t, dial(t, m.basic, owner("somebody", -1)), remote.ShellOptions{})
		client := dial(t, m.basic, owner("me", time.Minute))
		openShell(t, client, remote.ShellOptions{})
		infos, err := client.Shells(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var owners []string
		for _, i := range infos {
			owners = append(owners, i.Name)
		}
		if slices.Sort(owners); !slices.Equal(owners, []string{"me", "somebody"}) {
			t.Errorf("shells on the server: %v", infos)
		}
	})
	t.Run("other people's shells are left alone", func(t *testing.T) {
		m := serve(t, winrmd.Options{Limits: limits})
		others := dial(t, m.basic, owner("men", -1)) // the same letters are not the same name
		openShell(t, others, remote.ShellOptions{Name: "a"})
		openShell(t, others, remote.ShellOptions{Name: "b"})
		if _, err := dial(t, m.basic, owner("me", -1)).Shell(t.Context(), remote.ShellOptions{}); !remote.IsQuota(err) {
			t.Errorf("got %v, want a fault for which IsQuota holds", err)
		}
	})
	t.Run("waits for its turn", func(t *testing.T) {
		m := serve(t, winrmd.Options{Inject: at("Create", 1, winrmd.InjectedFault{Kind: winrmd.QuotaUsedUp})})
		openShell(t, dial(t, m.basic, owner("", time.Minute)), remote.ShellOptions{})
	})
	t.Run("commands", func(t *testing.T) {
		m := serve(t, winrmd.Options{Limits: winrmd.Limits{MaxProcessesPerShell: 2}})
		shell := openShell(t, dial(t, m.basic, quick()), remote.ShellOptions{})
		for range 10 { // each is released, or the third would be one too many
			if _, err := shell.Run(t.Context(), remote.CommandLine{Line: "true"}, nil); err != nil && !remote.IsQuota(err) {
				t.Fatal(err)
			}
		}
		for range 2 {
			for {
				if _, err := shell.Start(t.Context(), remote.CommandLine{Line: "sleep 60"}); err == nil {
					break
				} else if !remote.IsQuota(err) {
					t.Fatal(err)
				}
			}
		}
		if _, err := shell.Start(t.Context(), remote.CommandLine{Line: "true"}); !remote.IsQuota(err) {
			t.Errorf("got %v, want a fault for which IsQuota holds", err)
		}
	})
}

func TestEnvelopeTooLarge(t *testing.T) {
	noLeaks(t)
	data := make([]byte, 700<<10)
	rand.Read(data)
	for _, test := range []struct {
		name   string
		opts   winrmd.Options
		sealed bool
	}{
		{name: "small server", opts: winrmd.Options{Limits: winrmd.Limits{MaxEnvelopeSizekb: 100}}},
		{name: "small server, sealed", opts: winrmd.Options{Limits: winrmd.Limits{MaxEnvelopeSizekb: 100}}, sealed: true},
		{name: "one refusal", opts: winrmd.Options{Inject: at("Send", 2, winrmd.InjectedFault{Kind: winrmd.TooLarge})}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := serve(t, test.opts)
			ep := m.basic
			if test.sealed {
				ep = m.sealed
			}
			shell := openShell(t, dial(t, ep, remote.Options{}), remote.ShellOptions{})
			got, err := shell.Run(t.Context(), remote.CommandLine{Line: "cat"}, bytes.NewReader(data))
			if err != nil || !bytes.Equal(got.Stdout, data) {
				t.Errorf("%d of %d bytes came back, %v", len(got.Stdout), len(data), err)
			}
		})
	}
}

func TestLostAcknowledgement(t *testing.T) {
	noLeaks(t)
	seen := counter{plan: at("Send", 2, winrmd.InjectedFault{Kind: winrmd.LoseAnswer})}
	m := serve(t, winrmd.Options{Inject: seen.inject})
	shell := openShell(t, dial(t, m.basic, quick()), remote.ShellOptions{})
	command, err := shell.Start(t.Context(), remote.CommandLine{Line: "head -c 6"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(command.Stdin, "one"); err != nil {
		t.Fatal(err)
	}
	n, err := io.WriteString(command.Stdin, "two")
	if lost, maybe := remote.IsUnanswered(err); !lost || !maybe || n != 0 {
		t.Errorf("wrote %d bytes, %v; want none and a ConnError with Sent", n, err)
	}
	if _, err := io.WriteString(command.Stdin, "three"); err == nil {
		t.Error("went on writing after a gap")
	}
	if n := seen.of("Send"); n != 2 {
		t.Errorf("%d Sends, want 2: nothing is sent twice", n)
	}
	// The server did get it: that is what makes the loss ambiguous.
	output, err := io.ReadAll(command.Stdout)
	if string(output) != "onetwo" || err != nil {
		t.Errorf("the command got %q, %v", output, err)
	}
	if _, err := command.Wait(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestReboot(t *testing.T) {
	noLeaks(t)
	m := serve(t, winrmd.Options{})
	client := dial(t, m.basic, quick())
	shell := openShell(t, client, remote.ShellOptions{})
	command, err := shell.Start(t.Context(), remote.CommandLine{Line: "echo up; sleep 60"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(command.Stdout, make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	m.Reset()
	if _, err := command.Wait(t.Context()); err == nil {
		t.Error("the command survived the reboot")
	}
	m.Resume()
	testtime.Await(t, "the machine to be up", func() bool { return answers(t, client) })
	if err := shell.Close(t.Context()); err != nil {
		t.Errorf("closing a shell of before: %v", err)
	}
}

func TestBlackHole(t *testing.T) {
	noLeaks(t)
	// What is answered has to be, also on a slow machine.
	timeout := responseTimeoutHere(t, serve(t, winrmd.Options{}).basic, 1)
	for _, action := range []string{"Create", "Command", "Receive", "Send"} {
		t.Run(action, func(t *testing.T) {
			opts := quick()
			opts.OperationTimeout, opts.HTTPMargin = 100*time.Millisecond, timeout
			least := opts.OperationTimeout + opts.HTTPMargin
			for {
				seen := counter{plan: at(action, 1, winrmd.InjectedFault{Kind: winrmd.BlackHole})}
				m := serve(t, winrmd.Options{Inject: seen.inject})
				client := dial(t, m.basic, opts)
				start := time.Now()
				shell, err := client.Shell(t.Context(), remote.ShellOptions{})
				if err == nil {
					_, err = shell.Run(t.Context(), remote.CommandLine{Line: "sleep 60"}, strings.NewReader("x"))
				}
				lost, maybe := remote.IsUnanswered(err)
				if lost && (!maybe || seen.of(action) == 0) {
					continue // something else took longer than that, on its way
				}
				if !lost {
					t.Errorf("got %v, want a ConnError with Sent", err)
				}
				if d := time.Since(start); d < least || d > least+20*time.Second {
					t.Errorf("gave up after %s, want time-out and margin, %s; without a word about them they are 30s", d, least)
				}
				return
			}
		})
	}
}

func TestOutOfStep(t *testing.T) {
	noLeaks(t)
	run := func(t *testing.T, ep func(machine) remote.Endpoint, action string, kind winrmd.FaultKind) (int, error) {
		seen := counter{plan: at(action, 1, winrmd.InjectedFault{Kind: kind})}
		m := serve(t, winrmd.Options{Inject: seen.inject})
		shell, err := dial(t, ep(m), quick()).Shell(t.Context(), remote.ShellOptions{})
		if err == nil {
			_, err = shell.Run(t.Context(), remote.CommandLine{Line: "cat"}, strings.NewReader("input"))
			err = errors.Join(err, shell.Close(t.Context()))
		}
		return seen.of(action), err
	}
	ways := map[string]func(machine) remote.Endpoint{
		"basic":  func(m machine) remote.Endpoint { return m.basic },
		"sealed": func(m machine) remote.Endpoint { return m.sealed },
	}
	for way, ep := range ways {
		for _, test := range []struct {
			action   string
			kind     winrmd.FaultKind
			repeated bool
		}{
			{"Receive", winrmd.Unauthorized, true},
			{"Command", winrmd.Unauthorized, true}, // who is asking had been accepted: it was not carried out
			{"Send", winrmd.Unauthorized, true},
			{"Create", winrmd.Unauthorized, way == "sealed"}, // the first request of all is what the credentials are judged by
			{"Delete", winrmd.Unauthorized, true},
			{"Delete", winrmd.LoseAnswer, true},
			{"Delete", winrmd.HalfClose, true},
			{"Send", winrmd.Drop, false},
			{"Command", winrmd.LoseAnswer, false},
			{"Receive", winrmd.LoseAnswer, false},
			{"Receive", winrmd.HalfClose, false},
			{"Create", winrmd.ServerError, false},
		} {
			t.Run(fmt.Sprintf("%s %s %s", way, test.action, test.kind), func(t *testing.T) {
				n, err := run(t, ep, test.action, test.kind)
				// How often output is asked for once it may come, the machine decides.
				if test.repeated && (err != nil || n < 2 || n > 2 && test.action != "Receive") {
					t.Errorf("asked %d times, %v; want success the second time", n, err)
				}
				if !test.repeated && (err == nil || n != 1) {
					t.Errorf("asked %d times, %v; want an error the first time", n, err)
				}
				fault, isFault := errors.AsType[*remote.Fault](err)
				lost, _ := remote.IsUnanswered(err)
				if !test.repeated && !isFault && !lost {
					t.Errorf("%v is neither a Fault nor a ConnError", err)
				}
				if isFault && (fault.Action != test.action || fault.HTTPStatus < 400) {
					t.Errorf("fault %+v", fault)
				}
			})
		}
	}
}

// result is a host whose command writes pieces and ends with a code.
type result struct {
	pieces []string
	exit   uint32
}

func (h result) Start(ctx context.Context, spec winrmd.Spec) (winrmd.Process, error) {
	r, w := io.Pipe()
	go func() {
		for _, p := range h.pieces {
			io.WriteString(w, p)
		}
		w.Close()
	}()
	return resultProcess{r, h.exit}, nil
}

type resultProcess struct {
	out  io.Reader
	exit uint32
}

type sink struct{ io.Writer }

func (sink) Close() error { return nil }

func (p resultProcess) Stdin() io.WriteCloser                       { return sink{io.Discard} }
func (p resultProcess) Stdout() io.Reader                           { return p.out }
func (p resultProcess) Stderr() io.Reader                           { return strings.NewReader("") }
func (p resultProcess) Signal(context.Context, winrmd.Signal) error { return nil }
func (p resultProcess) Wait() (uint32, error)                       { return p.exit, nil }

func TestOutputIsBytes(t *testing.T) {
	noLeaks(t)
	host := result{pieces: []string{"\xe2", "\x82", "\xac\xff", "\x00\r\n"}, exit: 0xC0000005}
	m := serve(t, winrmd.Options{Host: host})
	shell := openShell(t, dial(t, m.basic, quick()), remote.ShellOptions{})
	got, err := shell.Run(t.Context(), remote.CommandLine{Line: "x"}, nil)
	if err != nil || string(got.Stdout) != "€\xff\x00\r\n" || got.ExitCode != 0xC0000005 {
		t.Errorf("got %q, exit code %#x, %v", got.Stdout, got.ExitCode, err)
	}
}
