package winrmd

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
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
	proc  Process
	ctx   context.Context // ends when the command must
	end   context.CancelFunc

	receiving chan struct{} // holds a token while a Receive is answered: one at a time
	finished  chan struct{} // closed when the process is gone

	mu      sync.Mutex
	news    chan struct{} // closed and replaced whenever something below changes
	out     []chunk       // what the program wrote, in the order in which it came
	held    [2]int        // how much of out is of which stream
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
	if len(sh.commands)+sh.starting >= limit {
		sh.mu.Unlock()
		return tooManyCommands(limit)
	}
	sh.starting++
	sh.mu.Unlock()

	c := &command{
		shell: sh, id: spec.CommandID,
		receiving: make(chan struct{}, 1), finished: make(chan struct{}), news: make(chan struct{}),
	}
	c.ctx, c.end = context.WithCancel(sh.life)
	proc, err := sh.server.opts.Host.Start(c.ctx, spec)

	sh.mu.Lock()
	sh.starting--
	if err == nil {
		c.proc = proc
		sh.commands[c.id] = c // even in a shell that went meanwhile, so that it can be waited for
	}
	sh.mu.Unlock()
	if err != nil {
		c.end()
		sh.server.log.Debug("command not started", "line", spec.Line, "error", err)
		return notStarted(err)
	}
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

func (c *command) drain(stream int, from io.Reader) {
	for {
		buf := make([]byte, chunkSize)
		n, err := from.Read(buf)
		if n > 0 && !c.hold(stream, buf[:n:n]) {
			err = io.EOF
		}
		if err != nil {
			break
		}
	}
	c.mu.Lock()
	c.ended[stream] = true
	c.changed()
	c.mu.Unlock()
	if c.ctx.Err() != nil {
		io.Copy(io.Discard, from) // killed: nobody wants the rest, but the host may be waiting to write it
	}
}

// hold keeps a piece of output, waiting for room. It says false when the command is being killed.
func (c *command) hold(stream int, data []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.held[stream] >= maxOutput {
		news := c.news
		c.mu.Unlock()
		select {
		case <-news:
			c.mu.Lock()
		case <-c.ctx.Done():
			c.mu.Lock()
			return false
		}
	}
	// Small writes of one stream are put together while they wait.
	if last := len(c.out) - 1; last >= 0 && c.out[last].stream == stream && len(c.out[last].data)+len(data) <= chunkSize {
		c.out[last].data = append(c.out[last].data, data...)
	} else {
		c.out = append(c.out, chunk{stream, data})
	}
	c.held[stream] += len(data)
	c.changed()
	return true
}

// receive answers with what there is, waiting for something within the request's time-out.
func (sh *shell) receive(ctx context.Context, r request, a *answer) *fault {
	desired := r.env.Body.Child(wsman.NSShell, "Receive").Child(wsman.NSShell, "DesiredStream")
	if desired == nil {
		return invalidBody("it has no rsp:DesiredStream")
	}
	c, f := sh.find(desired.Attr("", "CommandId"))
	if f != nil {
		return f
	}
	var wanted [2]bool
	for _, name := range strings.Fields(desired.Text) {
		switch name {
		case "stdout":
			wanted[stdout] = true
		case "stderr":
			wanted[stderr] = true
		default:
			return invalidBody("it wants a stream that the shell does not have")
		}
	}
	timer := time.NewTimer(r.timeout)
	defer timer.Stop()
	select {
	case c.receiving <- struct{}{}:
		defer func() { <-c.receiving }()
	case <-timer.C:
		return timedOut()
	case <-ctx.Done():
		return aborted()
	}
	budget := (r.envelope - 4096) / 4 * 3 // the envelope around the data, and base64
	if f := c.await(ctx, timer.C, wanted, budget); f != nil {
		return f
	}
	c.take(&a.body, wanted, budget)
	return nil
}

// await waits until there is something to say.
func (c *command) await(ctx context.Context, timeout <-chan time.Time, wanted [2]bool, budget int) *fault {
	var settle <-chan time.Time
	for {
		c.mu.Lock()
		told, done := c.told, c.exited && c.ended[stdout] && c.ended[stderr]
		have := 0
		for i := range wanted {
			if wanted[i] {
				have += c.held[i]
			}
		}
		news := c.news
		c.mu.Unlock()
		switch {
		case told:
			return noCommand()
		case done, have > budget/2:
			return nil
		case have > 0 && settle == nil:
			t := time.NewTimer(coalesce)
			defer t.Stop()
			settle = t.C
		}
		select {
		case <-news:
		case <-settle:
			return nil
		case <-timeout:
			if have > 0 {
				return nil
			}
			return timedOut()
		case <-c.shell.life.Done():
			return noShell(c.shell.id)
		case <-ctx.Done():
			return aborted()
		}
	}
}

// take writes what there is into an answer, and forgets it.
func (c *command) take(b *markup, wanted [2]bool, budget int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b.raw("<rsp:ReceiveResponse>")
	var left []chunk
	more := false // of what is wanted
	for _, ch := range c.out {
		n := min(len(ch.data), budget)
		if more = more || wanted[ch.stream] && n < len(ch.data); !wanted[ch.stream] || n == 0 {
			left = append(left, ch)
			continue
		}
		c.stream(b, ch.stream, "").raw(base64.StdEncoding.EncodeToString(ch.data[:n]), "</rsp:Stream>")
		budget -= n
		c.held[ch.stream] -= n
		if n < len(ch.data) {
			left = append(left, chunk{ch.stream, ch.data[n:]})
		}
	}
	c.out = left
	done := c.exited && c.ended[stdout] && c.ended[stderr] && !more
	for i := range wanted {
		if wanted[i] && c.ended[i] && c.held[i] == 0 && done {
			c.stream(b, i, ` End="true"`).raw("</rsp:Stream>")
		}
	}
	state := wsman.StateRunning
	if done {
		state = wsman.StateDone
		c.told = len(left) == 0 // a client may ask for the streams one by one
	}
	b.raw(`<rsp:CommandState CommandId="`, c.id, `" State="`, state, `">`)
	if done {
		b.raw("<rsp:ExitCode>", fmt.Sprint(c.exit), "</rsp:ExitCode>")
	}
	b.raw("</rsp:CommandState></rsp:ReceiveResponse>")
	c.changed()
}

func (c *command) stream(b *markup, which int, attr string) *markup {
	name := "stdout"
	if which == stderr {
		name = "stderr"
	}
	return b.raw(`<rsp:Stream Name="`, name, `" CommandId="`, c.id, `"`, attr, ">")
}

// send takes input for the command. All of a request's data is taken, or none.
func (sh *shell) send(ctx context.Context, r request, a *answer) *fault {
	streams := r.env.Body.Child(wsman.NSShell, "Send").All(wsman.NSShell, "Stream")
	if len(streams) == 0 {
		return invalidBody("it has no rsp:Stream")
	}
	c, f := sh.find(streams[0].Attr("", "CommandId"))
	if f != nil {
		return f
	}
	var data []byte
	end := false
	for _, s := range streams {
		if s.Attr("", "Name") != "stdin" || !strings.EqualFold(s.Attr("", "CommandId"), c.id) {
			return invalidBody("it sends to a stream that the command does not have")
		}
		piece, err := base64.StdEncoding.DecodeString(s.Content())
		if err != nil {
			return invalidBody("its data is not base64")
		}
		data = append(data, piece...)
		if text := s.Attr("", "End"); strings.EqualFold(text, "true") || text == "1" {
			end = true
		}
	}
	timer := time.NewTimer(r.timeout)
	defer timer.Stop()
	if f := c.accept(ctx, timer.C, data, end); f != nil {
		return f
	}
	a.body.raw("<rsp:SendResponse/>")
	return nil
}

// accept queues input, waiting for room.
func (c *command) accept(ctx context.Context, timeout <-chan time.Time, data []byte, end bool) *fault {
	for {
		c.mu.Lock()
		told, deaf := c.told, c.deaf || c.closing
		if !told && !deaf && c.pending < maxInput {
			if len(data) > 0 {
				c.input = append(c.input, data)
				c.pending += len(data)
			}
			c.closing = end
			c.changed()
			c.mu.Unlock()
			return nil
		}
		news := c.news
		c.mu.Unlock()
		switch {
		case told:
			return noCommand()
		case deaf:
			return brokenPipe()
		}
		select {
		case <-news:
		case <-timeout:
			return sendTimedOut()
		case <-c.shell.life.Done():
			return noShell(c.shell.id)
		case <-ctx.Done():
			return aborted()
		}
	}
}

// feed writes queued input to the program.
func (c *command) feed() {
	in := c.proc.Stdin()
	defer in.Close()
	for {
		c.mu.Lock()
		var data []byte
		if len(c.input) > 0 {
			data, c.input = c.input[0], c.input[1:]
		}
		closing, deaf, news := c.closing, c.deaf, c.news
		c.mu.Unlock()
		if deaf || (data == nil && closing) {
			return
		}
		if data == nil {
			select {
			case <-news:
				continue
			case <-c.ctx.Done():
				return
			}
		}
		_, err := in.Write(data)
		c.mu.Lock()
		c.pending -= len(data)
		if err != nil {
			c.deaf, c.input = true, nil
		}
		c.changed()
		c.mu.Unlock()
	}
}

// signal delivers a signal. After the client has learnt the exit code, any signal releases the
// command (recorded: clients send ctrl_c then, and Windows is content).
func (sh *shell) signal(ctx context.Context, r request, a *answer) *fault {
	body := r.env.Body.Child(wsman.NSShell, "Signal")
	code := Signal(body.Child(wsman.NSShell, "Code").Content())
	switch code {
	case SignalTerminate, SignalCtrlC, SignalCtrlBreak:
	default:
		return invalidBody("its rsp:Code is not a signal")
	}
	c, f := sh.find(body.Attr("", "CommandId"))
	if f != nil {
		return f
	}
	ctx, cancel := context.WithTimeout(ctx, min(r.timeout, killTimeout))
	defer cancel()
	c.mu.Lock()
	told, exited := c.told, c.exited
	c.mu.Unlock()
	switch {
	case told || code == SignalTerminate:
		c.terminate(ctx)
		sh.release(c)
	case !exited:
		if err := c.proc.Signal(ctx, code); err != nil && !errors.Is(err, io.ErrClosedPipe) {
			return notStarted(fmt.Errorf("signal the command: %w", err))
		}
	}
	a.body.raw("<rsp:SignalResponse/>")
	return nil
}

// terminate kills the command and waits until it is gone.
func (c *command) terminate(ctx context.Context) {
	select {
	case <-c.finished:
		return
	default:
	}
	if err := c.proc.Signal(ctx, SignalTerminate); err != nil {
		c.shell.server.log.Debug("terminate", "command", c.id, "error", err)
	}
	c.mu.Lock()
	c.told = true // whoever waits for its output waits for nothing
	c.changed()
	c.mu.Unlock()
	c.end()
	select {
	case <-c.finished:
	case <-ctx.Done():
		c.shell.server.log.Warn("a terminated command is still there", "command", c.id)
	}
}
