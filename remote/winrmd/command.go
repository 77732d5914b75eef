package winrmd

import (
	"context"
	"strings"
	"sync"
	"time"

	"wskharness/remote/internal/wsman"
)

// What is buffered for a command, in bytes. Beyond it the program, or the client, waits.
const (
	maxOutput = 1 << 20 // of each output
	maxInput  = 1 << 20
	chunkSize = 64 << 10
)

// coalesce is for how long a Receive that already has something to say waits for more, so that a
// program's last words, its end, and its exit code come in one answer, as they were recorded to do.
const coalesce = 10 * time.Millisecond

// command is a command that was started in a shell.
type command struct {
	shell *shell
	id    string
	proc  Process         // nil while it is being started: nobody knows its id then
	ctx   context.Context // ends when the command must
	end   context.CancelFunc

	receiving chan struct{} // holds a token while a Receive is answered: one at a time
	finished  chan struct{} // closed when the process is gone

	mu      sync.Mutex
	news    chan struct{} // closed and replaced whenever something below changes
	out     []chunk       // what the program wrote, in the order in which it came
	held    [2]int        // how much of out is of which stream
	partial [2][]byte     // what is not in out yet: the beginning of a character
	ended   [2]bool
	exited  bool
	exit    uint32
	told    bool // the client knows the exit code
	input   [][]byte
	pending int  // bytes in input, and being written
	closing bool // no more input will come
	deaf    bool // the program takes no more input
}

type chunk struct {
	stream int
	data   []byte
}

const (
	stdout = 0
	stderr = 1
)

func (sh *shell) command(r request, a *answer) *fault {
	spec, f := sh.spec(r)
	if f != nil {
		return f
	}
	limit := sh.server.opts.Limits.MaxProcessesPerShell
	sh.mu.Lock()
	if sh.gone {
		sh.mu.Unlock()
		return noShell(sh.id)
	}
	if len(sh.commands) >= limit {
		sh.mu.Unlock()
		return tooManyCommands(limit)
	}
	c := &command{
		shell: sh, id: spec.CommandID,
		receiving: make(chan struct{}, 1), finished: make(chan struct{}), news: make(chan struct{}),
	}
	c.ctx, c.end = context.WithCancel(sh.life)
	sh.commands[c.id] = c // before it starts, so that whoever deletes the shell meanwhile waits for it
	sh.mu.Unlock()

	proc, err := sh.server.opts.Host.Start(c.ctx, spec)
	if err != nil {
		c.end()
		close(c.finished)
		sh.release(c)
		sh.server.log.Debug("command not started", "line", spec.Line, "error", err)
		return notStarted(err)
	}
	sh.mu.Lock()
	c.proc = proc
	sh.mu.Unlock()
	sh.server.log.Debug("command started", "shell", sh.id, "command", c.id, "line", spec.Line)
	go c.follow()
	go c.feed()
	a.body.raw("<rsp:CommandResponse>").element("rsp:CommandId", c.id).raw("</rsp:CommandResponse>")
	return nil
}

// spec reads what a client wants to run.
func (sh *shell) spec(r request) (Spec, *fault) {
	body := r.env.Body.Child(wsman.NSShell, "CommandLine")
	program := body.Child(wsman.NSShell, "Command")
	if program.Content() == "" {
		return Spec{}, invalidBody("it has no rsp:Command")
	}
	words := []string{program.Text}
	for _, e := range body.All(wsman.NSShell, "Arguments") {
		words = append(words, e.Text)
	}
	spec := Spec{
		Command: strings.Join(words, " "), Program: program.Text,
		Dir: sh.dir, Env: make(map[string]string), Codepage: sh.codepage, NoProfile: sh.noProfile,
		ShellID: sh.id, CommandID: wsman.NewID(),
	}
	for _, v := range sh.env {
		spec.Env[v.name] = v.value
	}
	var f *fault
	if spec.SkipShell, f = r.flag(wsman.OptionSkipShell); f != nil {
		return Spec{}, f
	}
	if spec.ConsoleStdin, f = r.flag(wsman.OptionConsoleStdin); f != nil {
		return Spec{}, f
	}
	spec.Line = spec.Command
	if !spec.SkipShell {
		spec.Line = sh.server.opts.ComSpec + ` /C "` + spec.Command + `"`
	}
	return spec, nil
}

// changed tells whoever waits for news. The lock is held.
func (c *command) changed() {
	close(c.news)
	c.news = make(chan struct{})
}

// follow moves the program's outputs to where a Receive finds them, to the end of the program.
func (c *command) follow() {
	var outputs sync.WaitGroup
	outputs.Go(func() { c.drain(stdout, c.proc.Stdout()) })
	outputs.Go(func() { c.drain(stderr, c.proc.Stderr()) })
	outputs.Wait()
	exit, err := c.proc.Wait()
	if err != nil {
		c.shell.server.log.Warn("how a command ended is not known", "command", c.id, "error", err)
		exit = 1
	}
	c.mu.Lock()
	c.exited, c.exit, c.deaf = true, exit, true
	c.changed()
	c.mu.Unlock()
	c.end()
	close(c.finished)
}
