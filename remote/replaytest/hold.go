package replaytest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"wskharness/remote"
	"wskharness/remote/internal/wsman"
)

// unlimited is how long a client of ours waits for an answer: the test's own time ends it.
const unlimited = time.Hour

// errEnded is why a command ends whose end the recording does not have.
var errEnded = errors.New("the recording has no more of it")

// Hold does again what was done in the shell, with a client of package remote, and says in what that, or what came of it, is
// not as recorded. What of it can't be done again is in left, and why.
func (s *Shell) Hold(ctx context.Context, t testing.TB) (differences, left []string) {
	t.Helper()
	return s.hold(ctx, t, s)
}

// hold does again what was done in the shell, and judges that by the recording of another.
func (s *Shell) hold(ctx context.Context, t testing.TB, by *Shell) (differences, left []string) {
	t.Helper()
	whole := *by
	whole.Commands, whole.starts = nil, nil
	for _, c := range by.Commands {
		if c.cut != "" {
			left = append(left, fmt.Sprintf("line %d: %.60q: %s", c.Line, c.line(), c.cut))
			continue
		}
		whole.Commands = append(whole.Commands, c)
	}
	played := *s
	played.Commands, played.starts = nil, nil
	for _, c := range s.Commands {
		if c.cut == "" {
			played.Commands, played.starts = append(played.Commands, c), append(append(played.starts, c.tried...), c.start)
		}
	}
	server := NewServer(&played)
	client, err := remote.New(server.Serve(t), s.options())
	if err != nil {
		t.Fatal(err)
	}
	d := &driver{server: server, shell: &whole, played: &played}
	d.all(ctx, client)
	if err := client.Close(); err != nil {
		d.differ("the client is closed: %v", err)
	}
	return append(d.differences, server.Findings()...), left
}

// options are those of the client that has made the shell. An envelope may be a little longer than it was then, as the
// address in it may be.
func (s *Shell) options() remote.Options {
	o := remote.Options{OperationTimeout: unlimited, CleanupTimeout: unlimited, QuotaWait: -1}
	if n, err := strconv.Atoi(s.creates[0].request.Header.Child(wsman.NSManagement, "MaxEnvelopeSize").Content()); err == nil && n >= 8192 && n <= maxRequest {
		o.MaxEnvelope = n + 4096
	}
	return o
}

// Options are those with which the shell was made.
func (s *Shell) Options() remote.ShellOptions {
	r := s.creates[len(s.creates)-1].request
	shell := r.Body.Child(wsman.NSShell, "Shell")
	o := remote.ShellOptions{Name: shell.Attr("", "Name"), Dir: shell.Child(wsman.NSShell, "WorkingDirectory").Content(), NoProfile: option(r, wsman.OptionNoProfile) == "TRUE"}
	o.Codepage, _ = strconv.Atoi(option(r, wsman.OptionCodepage))
	o.IdleTimeout, _ = wsman.ParseDuration(shell.Child(wsman.NSShell, "IdleTimeOut").Content())
	for _, v := range shell.Child(wsman.NSShell, "Environment").All(wsman.NSShell, "Variable") {
		if o.Env == nil {
			o.Env = map[string]string{}
		}
		o.Env[v.Attr("", "Name")] = v.Text
	}
	return o
}

func option(r wsman.Envelope, name string) string {
	for _, o := range r.Header.Child(wsman.NSManagement, "OptionSet").All(wsman.NSManagement, "Option") {
		if o.Attr("", "Name") == name {
			return o.Content()
		}
	}
	return ""
}

func (c *Command) line() string {
	return commandLine(c.start.request.Body.Child(wsman.NSShell, "CommandLine"))
}

// CommandLine is what was run. What cmd.exe was given is one line; a program without it has arguments.
func (c *Command) CommandLine() remote.CommandLine {
	of := c.start.request.Body.Child(wsman.NSShell, "CommandLine")
	l := remote.CommandLine{
		SkipShell: option(c.start.request, wsman.OptionSkipShell) == "TRUE", ConsoleStdin: option(c.start.request, wsman.OptionConsoleStdin) == "TRUE",
		Line: c.line(),
	}
	if l.SkipShell {
		l.Line, l.Args = of.Child(wsman.NSShell, "Command").Content(), unquote(of.Child(wsman.NSShell, "Arguments").Content())
	}
	return l
}

// unquote splits a command line as CommandLineToArgvW does ("Parsing C++ command-line arguments").
func unquote(line string) (args []string) {
	var b strings.Builder
	quoted, any := false, false
	for i := 0; i < len(line); {
		n := 0
		for i+n < len(line) && line[i+n] == '\\' {
			n++
		}
		quote := i+n < len(line) && line[i+n] == '"'
		if quote {
			b.WriteString(strings.Repeat(`\`, n/2))
		} else {
			b.WriteString(strings.Repeat(`\`, n))
		}
		i += n
		any = any || n > 0
		switch {
		case quote && n%2 == 1:
			b.WriteByte('"')
			i++
		case quote:
			quoted, any = !quoted, true
			i++
		case i < len(line) && !quoted && (line[i] == ' ' || line[i] == '\t'):
			if any {
				args = append(args, b.String())
			}
			b.Reset()
			any = false
			i++
		case i < len(line):
			b.WriteByte(line[i])
			any = true
			i++
		}
	}
	if any {
		args = append(args, b.String())
	}
	return args
}

// driver does what a controller did.
type driver struct {
	server        *Server
	shell, played *Shell // what is done, and what the server has

	mu          sync.Mutex
	differences []string
}

func (d *driver) differ(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.differences = append(d.differences, fmt.Sprintf(format, args...))
}

// all makes the shell, has its commands run as they ran, and deletes it.
func (d *driver) all(ctx context.Context, client *remote.WinRM) {
	var shell *remote.Shell
	for {
		var err error
		if shell, err = client.Shell(ctx, d.shell.Options()); err == nil {
			break
		}
		if !d.server.refuses() {
			d.differ("line %d: the shell is not made: %v", d.shell.creates[0].n, err)
			return
		}
	}
	done := map[*Command]chan struct{}{}
	for _, c := range d.shell.Commands {
		for before, over := range done {
			if before.ends() < c.start.At {
				select {
				case <-over:
				case <-ctx.Done():
				}
			}
		}
		over := make(chan struct{})
		done[c] = over
		running, stop := context.WithCancelCause(ctx)
		command, err := shell.Start(running, c.CommandLine())
		go func() {
			defer close(over)
			defer stop(nil)
			got := Outcome{End: endOf(err)}
			if err == nil {
				got = d.follow(running, stop, command, c)
			}
			d.compare(c, got)
		}()
	}
	for _, over := range done {
		<-over
	}
	err := shell.Close(ctx)
	if n := len(d.shell.deletes); err != nil && (n == 0 || endOf(err) != d.shell.deletes[n-1].failure()) {
		d.differ("line %d: the shell is not deleted: %v", d.shell.creates[0].n, err)
	}
}

// ends is when the last was said of the command.
func (c *Command) ends() (last time.Duration) {
	for _, e := range c.order {
		last = max(last, e.over())
	}
	return last
}

// follow gives a command its input and its signals, and says what became of it.
func (d *driver) follow(ctx context.Context, stop context.CancelCauseFunc, command *remote.Command, c *Command) Outcome {
	var streams sync.WaitGroup
	var out, err strings.Builder
	streams.Go(func() { _, _ = io.Copy(&out, command.Stdout) }) // Wait tells what went wrong
	streams.Go(func() { _, _ = io.Copy(&err, command.Stderr) })
	streams.Go(func() {
		c.feed(command.Stdin)
		d.server.fed(c.ID)
	})
	for _, e := range c.signals {
		if !e.terminates() {
			code := e.request.Body.Child(wsman.NSShell, "Signal").Child(wsman.NSShell, "Code").Content()
			streams.Go(func() { _ = command.Signal(ctx, remote.Signal(code)) }) // the server finds what is not as it was
		}
	}
	over := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-d.server.reached[d.server.named(c.ID)]:
			stop(errEnded)
		case <-over:
		}
	}()
	code, failed := command.Wait(ctx)
	close(over)
	<-watched
	streams.Wait()
	o := Outcome{Stdout: out.String(), Stderr: err.String(), End: exited(code)}
	if failed != nil {
		o.End = endOf(failed)
	}
	return o
}

// feed writes what was sent and taken.
func (c *Command) feed(to io.WriteCloser) {
	for i, e := range c.sends {
		last := i == len(c.sends)-1
		if !e.went() && !last { // it comes again
			continue
		}
		if len(e.data) > 0 {
			if _, err := to.Write(e.data); err != nil {
				return // the server finds what is not as it was
			}
		}
		if e.end {
			_ = to.Close()
		}
	}
}

// endOf puts an error in the words of [Outcome].
func endOf(err error) string {
	if fault, ok := errors.AsType[*remote.Fault](err); ok {
		return faulted(fault.Code, fault.HTTPStatus)
	}
	unanswered, _ := remote.IsUnanswered(err)
	switch {
	case errors.Is(err, errEnded):
		return givenUp
	case unanswered:
		return noAnswer
	case err == nil:
		return "well"
	}
	return err.Error()
}

func (d *driver) compare(c *Command, got Outcome) {
	want := c.Want()
	about := fmt.Sprintf("line %d: %.60q", c.Line, c.line())
	if got.End != want.End {
		d.differ("%s: %s, want %s", about, got.End, want.End)
	}
	for _, stream := range []struct{ name, got, want string }{{"standard output", got.Stdout, want.Stdout}, {"standard error", got.Stderr, want.Stderr}} {
		if stream.got != stream.want {
			at := 0
			for at < len(stream.got) && at < len(stream.want) && stream.got[at] == stream.want[at] {
				at++
			}
			d.differ("%s: %s has %d bytes, want %d, and differs at byte %d: %.60q, want %.60q", about, stream.name, len(stream.got), len(stream.want), at,
				stream.got[at:], stream.want[at:])
		}
	}
}
