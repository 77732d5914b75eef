package harness

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"wskharness/config"
	"wskharness/harness/harnesstest"
	"wskharness/remote"
	"wskharness/remote/winrmd"
	"wskharness/remote/winrmd/winrmdtest"
	"wskharness/results"
	"wskharness/suites"
	"wskharness/targets"
	"wskharness/testtime"
)

// TestMain makes the test binary the process that serves a guest, too; with a seed before the role, over a network that
// fails.
func TestMain(m *testing.M) { harnesstest.Main(m, failing) }

// tamperer is a WinRM endpoint in front of a guest: it passes every command on to the real one, and may
// change what goes by.
type tamperer struct {
	client *remote.WinRM
	// input wraps a command's input; before is called before a command is started.
	input  func(line string, w io.WriteCloser) io.WriteCloser
	before func(ctx context.Context, line string, s *remote.Shell) error
	// output wraps a command's output.
	output func(line string, r io.Reader) io.Reader
	// answer may print in a command's place.
	answer func(line string) (out string, ok bool)

	mu   sync.Mutex
	down func() // nil, or cuts all connections: the guest behind is gone for the moment
}

// noted cuts the connections where err is the guest that does not answer, as a machine that crashes would.
func (t *tamperer) noted(err error) error {
	unanswered, _ := remote.IsUnanswered(err)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.down != nil && (unanswered || remote.IsGone(err)) {
		t.down()
	}
	return err
}

func (t *tamperer) Start(ctx context.Context, spec winrmd.Spec) (winrmd.Process, error) {
	if t.answer != nil {
		if out, ok := t.answer(spec.Line); ok {
			return printed{strings.NewReader(out)}, nil
		}
	}
	shell, err := t.client.Shell(ctx, remote.ShellOptions{Dir: spec.Dir, Env: spec.Env})
	if err != nil {
		return nil, t.noted(err)
	}
	if t.before != nil {
		if err := t.before(ctx, spec.Line, shell); err != nil {
			return nil, t.noted(err)
		}
	}
	command, err := shell.Start(ctx, remote.CommandLine{Line: spec.Line, SkipShell: true})
	if err != nil {
		return nil, t.noted(err)
	}
	p := &passed{front: t, ctx: ctx, command: command, shell: shell, stdin: command.Stdin, stdout: command.Stdout}
	if t.output != nil {
		p.stdout = t.output(spec.Line, command.Stdout)
	}
	if t.input != nil {
		p.stdin = t.input(spec.Line, command.Stdin)
	}
	return p, nil
}

// printed is a command that has printed something and ended well.
type printed struct{ out io.Reader }

func (p printed) Stdin() io.WriteCloser                       { return nopCloser{io.Discard} }
func (p printed) Stdout() io.Reader                           { return p.out }
func (p printed) Stderr() io.Reader                           { return strings.NewReader("") }
func (p printed) Signal(context.Context, winrmd.Signal) error { return nil }
func (p printed) Wait() (uint32, error)                       { return 0, nil }

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// passed is a command that runs behind the tamperer.
type passed struct {
	front   *tamperer
	ctx     context.Context
	command *remote.Command
	shell   *remote.Shell
	stdin   io.WriteCloser
	stdout  io.Reader
}

func (p *passed) Stdin() io.WriteCloser { return p.stdin }
func (p *passed) Stdout() io.Reader     { return p.stdout }
func (p *passed) Stderr() io.Reader     { return p.command.Stderr }
func (p *passed) Signal(ctx context.Context, s winrmd.Signal) error {
	return p.command.Signal(ctx, s)
}
func (p *passed) Wait() (uint32, error) {
	code, err := p.command.Wait(p.ctx)
	_ = p.front.noted(err)
	return code, errors.Join(err, p.shell.Close(context.WithoutCancel(p.ctx)))
}

// flipper changes one bit of what is written, at an offset.
type flipper struct {
	io.WriteCloser
	at int
}

func (f *flipper) Write(b []byte) (int, error) {
	if f.at >= 0 && f.at < len(b) {
		b = bytes.Clone(b)
		b[f.at] ^= 0x10
	}
	f.at -= len(b)
	return f.WriteCloser.Write(b)
}

// holder does something when all files are sent, before FINISH, which lets the run begin.
type holder struct {
	io.WriteCloser
	before func() error
}

func (h *holder) Write(b []byte) (int, error) {
	const frame, finish = 24, "WSKF\x03" // docs/protocol.md
	n := len(b) - frame
	if n < 0 || !bytes.HasPrefix(b[n:], []byte(finish)) {
		return h.WriteCloser.Write(b)
	}
	if _, err := h.WriteCloser.Write(b[:n]); err != nil {
		return 0, err
	}
	if err := h.before(); err != nil {
		return 0, err
	}
	_, err := h.WriteCloser.Write(b[n:])
	return len(b), err
}

// changeDriver appends to every driver that was brought into a guest, as soon as there is one.
func changeDriver(ctx context.Context, id string, env Env) error {
	client, err := targets.Dial(ctx, &config.Config{}, env.Host, id)
	if err != nil {
		return err
	}
	defer client.Close()
	for {
		var out bytes.Buffer
		line := `for /r C:\wskharness\store %f in (*.sys) do (echo x>> %f) && echo changed`
		if _, err := remote.Exec(ctx, client, remote.CommandLine{Line: line}, remote.ShellOptions{}, nil, &out, io.Discard); err != nil || out.Len() > 0 {
			return err
		}
	}
}

// TestDriverChangedOnTheWay changes the driver between controller and guest: in the pushed bytes, and in the
// file before it is started. Either is refused by its hash, nothing is started, and it is no verdict on the
// driver.
func TestDriverChangedOnTheWay(t *testing.T) {
	env := testEnv(t)
	up := harnesstest.BringUp(t, env.Host)
	for _, test := range []struct {
		name  string
		proxy *tamperer
		want  string
	}{
		{
			name: "in transit",
			proxy: &tamperer{input: func(line string, w io.WriteCloser) io.WriteCloser {
				if !strings.Contains(line, " run --put ") {
					return w
				}
				return &flipper{w, 8_000} // well inside the driver, deflated as it is: the plan goes before it
			}},
			want: "checksum is wrong",
		},
		{
			name: "in the guest",
			proxy: &tamperer{input: func(line string, w io.WriteCloser) io.WriteCloser {
				if !strings.Contains(line, " run --put ") {
					return w
				}
				return &holder{w, func() error { return changeDriver(t.Context(), up.ID, env) }}
			}},
			want: "nothing was started",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			client, err := targets.Dial(t.Context(), &config.Config{}, env.Host, up.ID)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			test.proxy.client = client
			config := serveTampered(t, test.proxy)
			done := runOn(t, env, config)
			if code := results.ExitCode(done.Record, results.Policy{}); code != results.ExitInfrastructure {
				t.Errorf("exit code %d, want %d", code, results.ExitInfrastructure)
			}
			if passes := done.Record.Counts[results.Pass]; passes > 0 {
				t.Errorf("%d cases passed", passes)
			}
			summary, err := os.ReadFile(filepath.Join(done.Dir, "summary.md"))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(summary), test.want) {
				t.Errorf("the summary does not say %q:\n%s", test.want, summary)
			}
			journal, _ := os.ReadFile(filepath.Join(done.Dir, "targets", "tampered", "journal-1.ndjson"))
			if strings.Contains(string(journal), `"ev":"case-start"`) {
				t.Errorf("a case was started: %s", journal)
			}
		})
	}
}

func testEnv(t *testing.T) Env {
	t.Helper()
	return Env{Host: harnesstest.Host(t)}
}

// onOurNetwork has guests share the network of this machine, as they do where there is no bubblewrap.
func onOurNetwork(t *testing.T, env Env) Env {
	t.Helper()
	env.Program = append([]string{"/usr/bin/env", "PATH=" + t.TempDir()}, env.Program...)
	return env
}

// serveTampered puts a tamperer up, and returns a configuration whose target it is.
func serveTampered(t *testing.T, host winrmd.Host) *config.Config {
	t.Helper()
	return serveStatic(t, host, "", nil)
}

// serveStatic puts an endpoint up, and returns a configuration with it as a static machine with more keys, and
// with more files.
func serveStatic(t *testing.T, host winrmd.Host, keys string, files map[string]string) *config.Config {
	t.Helper()
	certificate, err := winrmd.NewCertificate("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	server, err := winrmd.New(winrmd.Options{Host: host, User: "tester", Password: "s3cret", Certificate: certificate.TLS})
	if err != nil {
		t.Fatal(err)
	}
	if front, ok := host.(*tamperer); ok {
		front.down = func() { server.Reset(); server.Resume() }
	}
	address := winrmdtest.Serve(t, server)
	dir := t.TempDir()
	block, _ := pem.Decode(certificate.PEM)
	text := fmt.Sprintf("targets:\n  tampered: {provider: static, url: 'https://%s', user: tester, password_file: password, auth: basic, ca_file: ca.pem%s}\n",
		address, keys)
	all := map[string]string{config.Name: text, "password": "s3cret", "ca.pem": string(pem.EncodeToMemory(block))}
	for name, data := range files {
		all[name] = data
		all[config.Name] += "suites: [" + name + "]\n"
	}
	for name, data := range all {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config, err := harnesstest.LoadConfig("", dir)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func runOn(t *testing.T, env Env, config *config.Config) *Finished {
	t.Helper()
	plan, err := NewPlan(Request{Config: config, Out: config.Out, Selection: suites.Selection{Patterns: []string{"registration.basic"}}})
	if err != nil {
		t.Fatal(err)
	}
	ctx := testtime.Context(t)
	done, err := plan.Run(ctx, env)
	if err != nil {
		t.Fatal(err)
	}
	return done
}
