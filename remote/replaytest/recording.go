package replaytest

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"wskharness/recording"
	"wskharness/remote/internal/wsman"
)

// Recording is what the lines of a recording say.
type Recording struct {
	Shells []*Shell
	Left   []string // what can't be done again, and why: a line each
}

// Shell is a shell that was made, and what was said in it.
type Shell struct {
	ID       string
	Commands []*Command // in the order in which they were started

	creates []*exchange // the last one has made it, those before were refused
	starts  []*exchange
	deletes []*exchange
	others  []*exchange // of its client, and of no shell: the server's configuration
}

// Command is a command of a shell; one that did not start has no id.
type Command struct {
	ID   string
	Line int // of the recording, in which it was started

	tried                    []*exchange // orders to start it that were refused for who gave them, and given again
	start                    *exchange
	sends, receives, signals []*exchange
	order                    []*exchange // the order in which the answers come
	cut                      string      // why not all of it is known
}

// exchange is a line of the recording.
type exchange struct {
	recording.Line
	n       int
	request wsman.Envelope
	said    answer
	command string // that it is about
	data    []byte // of a Send
	end     bool
}

// New sorts the lines of a recording.
func New(lines []recording.Line) *Recording {
	s := &sorter{recording: &Recording{}, shells: map[string]*Shell{}, commands: map[string]*Command{}, failed: map[int][]*exchange{}, others: map[int][]*exchange{}}
	var all []*exchange
	for i, l := range lines {
		switch e, err := read(i+1, l); {
		case l.Note != "":
			s.notes = append(s.notes, i+1)
			s.left("line %d: %s", i+1, l.Note)
		case err != nil:
			s.left("line %d: its request can't be read: %v", i+1, err)
			s.notes = append(s.notes, i+1)
		default:
			all = append(all, e)
		}
	}
	slices.SortStableFunc(all, func(a, b *exchange) int { return cmp.Compare(a.At, b.At) })
	for _, e := range all {
		s.take(e)
	}
	s.finish()
	return s.recording
}

func read(n int, l recording.Line) (*exchange, error) {
	if l.Note != "" {
		return nil, nil
	}
	e := &exchange{Line: l, n: n, said: answerOf(l.Answer)}
	var err error
	if e.request, err = wsman.ParseEnvelope([]byte(l.Request)); err != nil {
		return nil, err
	}
	e.command, e.data, e.end, err = about(e.request)
	return e, err
}

// about is which command a request is about, and what input it brings.
func about(r wsman.Envelope) (command string, data []byte, end bool, err error) {
	switch r.Action() {
	case wsman.ActionSend:
		stream := r.Body.Child(wsman.NSShell, "Send").Child(wsman.NSShell, "Stream")
		data, err = base64.StdEncoding.DecodeString(strings.Join(strings.Fields(stream.Content()), ""))
		return stream.Attr("", "CommandId"), data, strings.EqualFold(stream.Attr("", "End"), "true"), err
	case wsman.ActionReceive:
		command = r.Body.Child(wsman.NSShell, "Receive").Child(wsman.NSShell, "DesiredStream").Attr("", "CommandId")
	case wsman.ActionSignal:
		command = r.Body.Child(wsman.NSShell, "Signal").Attr("", "CommandId")
	}
	return command, nil, false, nil
}

// selected is the shell that a request names; empty: none.
func selected(r wsman.Envelope) string {
	return r.Header.Child(wsman.NSManagement, "SelectorSet").Child(wsman.NSManagement, "Selector").Content()
}

// went says whether the server did what it was asked for.
func (e *exchange) went() bool { return e.Status == http.StatusOK && e.said.fault == nil }

// over is when the answer had come, or was not waited for any longer.
func (e *exchange) over() time.Duration { return e.At + e.Took }

// terminates says whether it is the signal that ends a command for good.
func (e *exchange) terminates() bool {
	return e.request.Body.Child(wsman.NSShell, "Signal").Child(wsman.NSShell, "Code").Content() == wsman.SignalTerminate
}

// sorter puts exchanges where they belong.
type sorter struct {
	recording *Recording
	notes     []int // lines at which something is missing
	shells    map[string]*Shell
	commands  map[string]*Command
	failed    map[int][]*exchange // attempts at a shell that made none, by client
	others    map[int][]*exchange // by client
}

func (s *sorter) left(format string, args ...any) {
	s.recording.Left = append(s.recording.Left, fmt.Sprintf(format, args...))
}

// key names a shell, or a command of it: no two clients of a recording have the same.
func key(client int, ids ...string) string {
	return fmt.Sprint(client, strings.ToUpper(fmt.Sprint(ids)))
}

func (s *sorter) take(e *exchange) {
	action, shell := e.request.Action(), s.shells[key(e.Client, selected(e.request))]
	switch {
	case action == wsman.ActionCreate:
		s.create(e)
	case selected(e.request) == "":
		s.others[e.Client] = append(s.others[e.Client], e)
	case shell == nil && action == wsman.ActionDelete: // of another controller's shell, or one whose beginning is missing
	case shell == nil:
		s.left("line %d: %s, in a shell of which the recording does not have the beginning", e.n, e.Action)
	case action == wsman.ActionDelete:
		shell.deletes = append(shell.deletes, e)
	case action == wsman.ActionCommand:
		shell.starts = append(shell.starts, e)
		c := &Command{Line: e.n, start: e}
		if n := len(shell.Commands); n > 0 && shell.Commands[n-1].start.Status == http.StatusUnauthorized && differs(shell.Commands[n-1].start.request, e.request) == "" {
			c.tried = append(shell.Commands[n-1].tried, shell.Commands[n-1].start)
			shell.Commands = shell.Commands[:n-1]
		}
		if e.went() {
			c.ID = e.said.command
			s.commands[key(e.Client, shell.ID, c.ID)] = c
		}
		shell.Commands = append(shell.Commands, c)
	default:
		c := s.commands[key(e.Client, shell.ID, e.command)]
		if c == nil {
			s.left("line %d: %s, for a command of which the recording does not have the beginning", e.n, e.Action)
			return
		}
		switch action {
		case wsman.ActionSend:
			c.sends = append(c.sends, e)
		case wsman.ActionReceive:
			c.receives = append(c.receives, e)
		case wsman.ActionSignal:
			c.signals = append(c.signals, e)
		default:
			s.left("line %d: %s is nothing that a controller says", e.n, e.Action)
		}
	}
}

func (s *sorter) create(e *exchange) {
	tried := append(s.failed[e.Client], e)
	id := ""
	if e.went() {
		id = e.said.shell
	}
	if id == "" {
		s.failed[e.Client] = tried
		return
	}
	shell := &Shell{ID: id, creates: tried}
	delete(s.failed, e.Client)
	s.shells[key(e.Client, id)] = shell
	s.recording.Shells = append(s.recording.Shells, shell)
}

func (s *sorter) finish() {
	for client, tried := range s.failed {
		s.left("client %d was refused a shell %d times, and got none", client, len(tried))
	}
	for _, shell := range s.recording.Shells {
		shell.others = s.others[shell.creates[0].Client]
		for _, c := range shell.Commands {
			c.sort()
			c.cut = c.missing(s.notes)
		}
	}
}

// sort brings the answers into the order in which they come: that in which they came. The command's end comes behind what it
// took in and was told: what was under way then ends with it, and the clocks of two goroutines need not agree.
func (c *Command) sort() {
	rank := func(e *exchange) int {
		switch {
		case e.request.Action() == wsman.ActionCommand:
			return 0
		case e.request.Action() == wsman.ActionReceive && e.said.done:
			return 2
		case e.request.Action() == wsman.ActionSignal && e.terminates():
			return 3
		}
		return 1
	}
	c.order = slices.Concat(c.tried, []*exchange{c.start}, c.sends, c.receives, c.signals)
	slices.SortStableFunc(c.order, func(a, b *exchange) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.over(), b.over()))
	})
}

// missing is why not all is known of a command that is there; empty: all is.
func (c *Command) missing(notes []int) string {
	first, last := c.start.n, c.start.n
	for _, e := range c.order {
		if e.Cut {
			return fmt.Sprintf("line %d is longer than is kept", e.n)
		}
		first, last = min(first, e.n), max(last, e.n)
	}
	if c.ID != "" && !c.over() {
		last = int(^uint(0) >> 1)
	}
	for _, n := range notes {
		if first < n && n < last {
			return fmt.Sprintf("exchanges are missing at line %d", n)
		}
	}
	return ""
}

// over says whether the recording has the command's end, of whichever kind.
func (c *Command) over() bool {
	return slices.ContainsFunc(c.receives, func(e *exchange) bool { return e.said.done }) || slices.ContainsFunc(c.signals, (*exchange).terminates)
}

// Only is the shell with one of its commands alone.
func (s *Shell) Only(c *Command) *Shell {
	return &Shell{ID: s.ID, creates: s.creates[len(s.creates)-1:], Commands: []*Command{c}, starts: append(slices.Clone(c.tried), c.start), deletes: s.deletes, others: s.others}
}
