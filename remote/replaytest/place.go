package replaytest

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"wskharness/remote/internal/wsman"
)

// place is where a request belongs in the recording.
type place struct {
	command *Command  // nil: of the shell
	line    *exchange // nil: the recording does not have it, and need not
	whole   bool      // with this request all of the line was asked for
	hold    bool      // the recording has nothing more of the command
	wrong   string    // why it belongs nowhere
}

// place finds where a request belongs.
func (s *Server) place(r wsman.Envelope) place {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.findings) > 0 {
		return place{wrong: s.findings[0]}
	}
	p := s.belongs(r)
	if p.wrong != "" {
		p.wrong = s.found(p.wrong)
	} else if p.line != nil && p.whole && p.command == nil {
		s.served[p.line] = true
	}
	return p
}

func (s *Server) belongs(r wsman.Envelope) place {
	action := r.Action()
	if shell := selected(r); shell != "" && !strings.EqualFold(shell, s.shell.ID) {
		return place{wrong: fmt.Sprintf("the client says %s in the shell %.80q, and the recording has %.80q", short(action), shell, s.shell.ID)}
	}
	switch action {
	case wsman.ActionCreate:
		return s.next(nil, s.shell.creates, r)
	case wsman.ActionCommand:
		p := s.next(nil, s.shell.starts, r)
		if i := slices.IndexFunc(s.shell.Commands, func(c *Command) bool { return p.line != nil && slices.Contains(c.order, p.line) }); i >= 0 {
			p.command = s.shell.Commands[i]
			s.served[p.line] = true
		}
		return p
	case wsman.ActionDelete:
		if len(s.shell.deletes) == 0 {
			return place{}
		}
		return s.next(nil, s.shell.deletes, r)
	case wsman.ActionSend, wsman.ActionReceive, wsman.ActionSignal:
		id, data, end, err := about(r)
		if err != nil {
			return place{wrong: fmt.Sprintf("the client says %s with what is no base64: %v", short(action), err)}
		}
		c := s.named(id)
		if c == nil {
			return place{wrong: fmt.Sprintf("the client says %s for a command %.80q, which the recording does not have in this shell", short(action), id)}
		}
		return s.ofCommand(c, r, data, end)
	}
	return s.next(nil, slices.DeleteFunc(slices.Clone(s.shell.others), func(e *exchange) bool { return e.request.Action() != action }), r)
}

func (s *Server) ofCommand(c *Command, r wsman.Envelope, data []byte, end bool) place {
	switch r.Action() {
	case wsman.ActionSend:
		line, whole, wrong := s.inputs[c].take(data, end)
		for _, e := range line.before {
			s.served[e] = true // with this one
		}
		return place{command: c, line: line.answer, whole: whole, wrong: wrong}
	case wsman.ActionReceive:
		if !slices.ContainsFunc(c.receives, func(e *exchange) bool { return !s.asked(e) && !e.GaveUp }) {
			return place{command: c, hold: true}
		}
		p := s.next(c, c.receives, r)
		return p
	}
	ends := r.Body.Child(wsman.NSShell, "Signal").Child(wsman.NSShell, "Code").Content() == wsman.SignalTerminate
	if ends && !slices.ContainsFunc(c.signals, (*exchange).terminates) {
		return place{command: c}
	}
	p := s.next(c, c.signals, r)
	if ends && !c.ended() && p.line != nil {
		p.command = nil // nothing is waited for: the controller did not wait, either
		s.served[p.line] = true
	}
	return p
}

// ended says whether the recording has that the command has ended by itself.
func (c *Command) ended() bool {
	return slices.ContainsFunc(c.receives, func(e *exchange) bool { return e.said.done })
}

// asked says whether somebody has asked for the line.
func (s *Server) asked(e *exchange) bool { return s.askedFor[e] || s.served[e] }

// next is the first line that nobody has asked for; where that is not what the client says, it belongs nowhere.
func (s *Server) next(c *Command, lines []*exchange, r wsman.Envelope) place {
	var last *exchange
	for _, e := range lines {
		if s.asked(e) {
			last = e
			continue
		}
		if wrong := differs(e.request, r); wrong != "" {
			if last != nil && last.Status == 0 && differs(last.request, r) == "" {
				return place{line: last} // the client tries again what was not answered: it is not answered again
			}
			return place{wrong: fmt.Sprintf("line %d of the recording has another %s: %s", e.n, e.Action, wrong)}
		}
		s.askedFor[e] = true
		return place{command: c, line: e, whole: true}
	}
	if last != nil && last.Status == 0 && differs(last.request, r) == "" {
		return place{line: last}
	}
	where := "none"
	if last != nil {
		where = fmt.Sprintf("none behind line %d", last.n)
	}
	return place{wrong: fmt.Sprintf("the client says %s once more, and the recording has %s: %s", short(r.Action()), where, brief(r.Body))}
}

func short(action string) string { return action[strings.LastIndexByte(action, '/')+1:] }

// differs is in what a request differs from the recorded one; empty: in nothing that a server acts on.
func differs(recorded, said wsman.Envelope) string {
	if a, b := recorded.Action(), said.Action(); a != b {
		return fmt.Sprintf("it has %s, and the client says %s", short(a), short(b))
	}
	for _, name := range []string{"ResourceURI", "SelectorSet", "OptionSet"} {
		a, b := recorded.Header.Child(wsman.NSManagement, name), said.Header.Child(wsman.NSManagement, name)
		if x, y := brief(a), brief(b); x != y {
			return fmt.Sprintf("it has %s, and the client says %s", x, y)
		}
	}
	if a, b := brief(recorded.Body), brief(said.Body); a != b {
		return fmt.Sprintf("it has %s, and the client says %s", a, b)
	}
	return ""
}

// brief writes an element down, so that the same is written the same. A command and its arguments are one line, whoever has
// put them together.
func brief(e *wsman.Element) string {
	if e == nil {
		return "nothing"
	}
	var b strings.Builder
	write(&b, e)
	return b.String()
}

func write(b *strings.Builder, e *wsman.Element) {
	if e.Local == "CommandLine" {
		fmt.Fprintf(b, "<CommandLine %q>", commandLine(e))
		return
	}
	b.WriteString("<" + e.Local)
	attrs := slices.Clone(e.Attrs)
	slices.SortFunc(attrs, func(x, y wsman.Attr) int { return cmp.Compare(x.Local, y.Local) })
	for _, a := range attrs {
		if a.Local != "mustUnderstand" && a.Local != "MustComply" {
			fmt.Fprintf(b, " %s=%q", a.Local, a.Value)
		}
	}
	if text := e.Content(); text != "" {
		fmt.Fprintf(b, " %q", text)
	}
	for _, c := range e.Children {
		write(b, c)
	}
	b.WriteString(">")
}

// commandLine is the line of a CommandLine.
func commandLine(e *wsman.Element) string {
	return strings.TrimSpace(e.Child(wsman.NSShell, "Command").Content() + " " + e.Child(wsman.NSShell, "Arguments").Content())
}

// input is the standard input of a command: what was sent, and how much of it the client has sent again.
type input struct {
	sends []*exchange
	taken int  // bytes of the first
	over  bool // the client has no more
}

// piece is what a Send of the client's is answered with.
type piece struct {
	answer *exchange
	before []*exchange // that it has the data of as well
}

// take takes what the client sends, in whichever pieces. What the server did not take then is answered so again, and comes again.
func (in *input) take(data []byte, end bool) (p piece, whole bool, wrong string) {
	for {
		if len(in.sends) == 0 {
			return p, false, fmt.Sprintf("the client sends %d bytes of input%s, and the recording has no more", len(data), andEnd(end))
		}
		e := in.sends[0]
		rest := e.data[in.taken:]
		n := min(len(data), len(rest))
		if !bytes.Equal(data[:n], rest[:n]) {
			return p, false, fmt.Sprintf("line %d of the recording has other input: %.60q, and the client sends %.60q", e.n, rest[:n], data[:n])
		}
		if p.answer != nil {
			p.before = append(p.before, p.answer)
		}
		p.answer = e
		if !e.went() {
			in.sends = in.sends[1:]
			return p, true, ""
		}
		in.taken += n
		data = data[n:]
		switch {
		case in.taken < len(e.data) && end:
			return p, false, fmt.Sprintf("line %d of the recording has %d bytes of input more, and the client ends it", e.n, len(e.data)-in.taken)
		case in.taken < len(e.data), e.end && !end && len(data) == 0:
			return p, false, "" // the rest is still to come, or the end
		case e.end && len(data) > 0:
			return p, false, fmt.Sprintf("line %d of the recording ends the input, and the client sends %d bytes more", e.n, len(data))
		}
		in.sends, in.taken = in.sends[1:], 0
		if len(data) == 0 && (!end || e.end) {
			return p, true, ""
		}
	}
}

func andEnd(end bool) string {
	if end {
		return " and its end"
	}
	return ""
}
