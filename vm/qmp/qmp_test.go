package qmp

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"wskharness/testtime"
)

const hello = `{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": "Debian"}, "capabilities": ["oob"]}}`

// played is the other end of a connection, which says what a test has it say.
type played struct {
	t     *testing.T
	conn  net.Conn
	lines *bufio.Scanner
}

func (p *played) say(lines ...string) {
	for _, line := range lines {
		if _, err := p.conn.Write([]byte(line + "\r\n")); err != nil {
			return // whoever listened has gone, which is what the test is about
		}
	}
}

// asked is the next command.
func (p *played) asked() (command string, id uint64, arguments json.RawMessage) {
	if !p.lines.Scan() {
		return "", 0, nil
	}
	var r struct {
		Execute   string
		Arguments json.RawMessage
		ID        uint64
	}
	if err := json.Unmarshal(p.lines.Bytes(), &r); err != nil {
		p.t.Errorf("asked %q: %v", p.lines.Text(), err)
	}
	return r.Execute, r.ID, r.Arguments
}

func (p *played) answer(id uint64, value string) {
	p.say(fmt.Sprintf(`{"return": %s, "id": %d}`, value, id))
}

// connected is a Monitor whose other end does as the play says, and the events that it tells.
func connected(t *testing.T, play func(p *played)) (*Monitor, func() []string) {
	t.Helper()
	ours, theirs := net.Pipe()
	p := &played{t: t, conn: theirs, lines: bufio.NewScanner(theirs)}
	over := make(chan struct{})
	go func() {
		defer close(over)
		defer theirs.Close()
		p.say(hello)
		if command, id, _ := p.asked(); command != "qmp_capabilities" {
			t.Errorf("the first command is %q, want qmp_capabilities", command)
		} else {
			p.answer(id, "{}")
		}
		play(p)
	}()
	var mu sync.Mutex
	var events []string
	m, err := Connect(t.Context(), ours, func(e Event) { mu.Lock(); defer mu.Unlock(); events = append(events, e.Name+" "+string(e.Data)) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close(); <-over })
	return m, func() []string { mu.Lock(); defer mu.Unlock(); return append([]string{}, events...) }
}

func TestConnectRefusesWhatIsNoMonitor(t *testing.T) {
	for name, test := range map[string]struct{ says, want string }{
		"nothing":        {"", "EOF"},
		"half a line":    {`{"QMP": {"ver`, "unexpected EOF"},
		"no JSON":        {"SSH-2.0-OpenSSH\n", "invalid character"},
		"no greeting":    {`{"event": "RESET"}` + "\n", "does not greet"},
		"a list":         {"[]\n", "cannot unmarshal"},
		"too long":       {strings.Repeat("x", maxMessage+100_000), "more than 4194304 bytes"},
		"a refusal":      {hello + "\n" + `{"error": {"class": "GenericError", "desc": "not today"}, "id": 1}` + "\n", "not today"},
		"ends too early": {hello + "\n", "has ended"},
	} {
		t.Run(name, func(t *testing.T) {
			ours, theirs := net.Pipe()
			go func() {
				_, _ = theirs.Write([]byte(test.says))
				if strings.Contains(test.says, "QMP") && strings.HasSuffix(test.says, "\n") {
					bufio.NewScanner(theirs).Scan()
				}
				theirs.Close()
			}()
			if test.says == hello+"\n"+`{"error": {"class": "GenericError", "desc": "not today"}, "id": 1}`+"\n" {
				go bufio.NewScanner(theirs).Scan()
			}
			_, err := Connect(t.Context(), ours, func(Event) {})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}

func TestConnectEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ours, theirs := net.Pipe()
	defer theirs.Close()
	cancel()
	if _, err := Connect(ctx, ours, func(Event) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

// Events come in order, none is lost, and those before an answer are told before that is given.
func TestEventsBeforeAnswers(t *testing.T) {
	m, events := connected(t, func(p *played) {
		_, id, arguments := p.asked()
		if string(arguments) != `{"command-line":"info usernet"}` {
			t.Errorf("arguments %s", arguments)
		}
		for i := range 100 {
			p.say(fmt.Sprintf(`{"timestamp": {"seconds": 1700000000, "microseconds": 5}, "event": "E", "data": {"n": %d}}`, i))
		}
		p.say("", `{"return": {}, "id": 4711}`, `{"error": {"class": "GenericError", "desc": "JSON parse error"}}`)
		p.answer(id, `"Hub 0"`)
		p.asked() // nothing, until the end
	})
	text, err := m.Human(t.Context(), "info usernet")
	if err != nil || text != "Hub 0" {
		t.Errorf("got %q, %v, want Hub 0", text, err)
	}
	got := events()
	if len(got) != 100 || got[0] != `E {"n": 0}` || got[99] != `E {"n": 99}` {
		t.Errorf("%d events before the answer, want 100 in order: %q", len(got), got)
	}
}

func TestAnswersFindTheirCommands(t *testing.T) {
	const commands = 8
	m, _ := connected(t, func(p *played) {
		asked := map[uint64]string{}
		for range commands {
			command, id, _ := p.asked()
			asked[id] = command
		}
		for id, command := range asked { // in any order
			p.answer(id, `{"name": "`+command+`"}`)
		}
		p.asked()
	})
	var all sync.WaitGroup
	for i := range commands {
		all.Go(func() {
			var answer struct{ Name string }
			command := fmt.Sprintf("c%d", i)
			if err := m.Run(t.Context(), command, nil, &answer); err != nil || answer.Name != command {
				t.Errorf("got the answer of %q, %v, want that of %q", answer.Name, err, command)
			}
		})
	}
	all.Wait()
}

func TestCommandsThatFail(t *testing.T) {
	m, _ := connected(t, func(p *played) {
		_, id, _ := p.asked()
		p.say(fmt.Sprintf(`{"id": %d, "error": {"class": "CommandNotFound", "desc": "The command foo has not been found"}}`, id))
		_, id, _ = p.asked()
		p.answer(id, `[1]`)
		p.asked()
	})
	err := m.Run(t.Context(), "foo", nil, nil)
	if refused, ok := errors.AsType[*CommandError](err); !ok || refused.Class != "CommandNotFound" || !strings.Contains(err.Error(), "foo") {
		t.Errorf("got %v, want a CommandError about foo", err)
	}
	var number int
	if err := m.Run(t.Context(), "number", nil, &number); err == nil || !strings.Contains(err.Error(), "read QEMU's answer to number") {
		t.Errorf("got %v, want an answer that can't be read", err)
	}
}

func TestQEMUEndsInTheMiddle(t *testing.T) {
	m, events := connected(t, func(p *played) {
		p.asked()
		p.say(`{"event": "SHUTDOWN", "timestamp": {"seconds": -1, "microseconds": -1}}`)
	})
	if err := m.Run(t.Context(), "quit", nil, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
	<-m.Ended()
	if got := events(); len(got) != 1 {
		t.Errorf("events %q, want SHUTDOWN", got)
	}
	if err := m.Run(t.Context(), "again", nil, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
	if err := m.Job(t.Context(), "snapshot-save", nil); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
}

// A command that nobody waits for any more disturbs none of the next.
func TestRunEndsWithItsContext(t *testing.T) {
	arrived := make(chan struct{})
	m, _ := connected(t, func(p *played) {
		_, late, _ := p.asked()
		close(arrived)
		_, id, _ := p.asked()
		p.answer(late, `"late"`)
		p.answer(id, `"right"`)
		p.asked()
	})
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := m.Run(over, "never sent", nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	sent, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	if err := m.Run(sent, "slow", nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	var answer string
	if err := m.Run(t.Context(), "next", nil, &answer); err != nil || answer != "right" {
		t.Errorf("got %q, %v, want the right answer", answer, err)
	}
}

func TestJobs(t *testing.T) {
	status := func(id, word string) string {
		return fmt.Sprintf(`{"event": "JOB_STATUS_CHANGE", "data": {"id": %q, "status": %q}}`, id, word)
	}
	for name, test := range map[string]struct {
		early bool   // the job ends before the command's answer
		jobs  string // the answer to query-jobs
		want  string
	}{
		"done":       {jobs: `[{"id": "other", "error": "no"}, {"id": "job1", "status": "concluded"}]`},
		"at once":    {early: true, jobs: `[{"id": "job1"}]`},
		"failed":     {jobs: `[{"id": "job1", "error": "Snapshot 'x' does not exist"}]`, want: "QEMU's snapshot-load failed: Snapshot 'x' does not exist"},
		"is unknown": {jobs: `[]`, want: "has forgotten"},
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := connected(t, func(p *played) {
				_, id, arguments := p.asked()
				if string(arguments) != `{"job-id":"job1","tag":"x"}` {
					t.Errorf("arguments %s", arguments)
				}
				if test.early {
					p.say(status("job1", "created"), status("job1", "concluded"))
				}
				p.answer(id, "{}")
				if !test.early {
					p.say(status("job1", "running"), status("job2", "concluded"), status("job1", "concluded"), status("job1", "null"))
				}
				_, id, _ = p.asked()
				p.answer(id, test.jobs)
				if command, id, _ := p.asked(); command == "job-dismiss" {
					p.answer(id, "{}")
				}
			})
			err := m.Job(testtime.Context(t), "snapshot-load", map[string]any{"tag": "x"})
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func FuzzReadMessage(f *testing.F) {
	f.Add([]byte(hello + "\r\n" + `{"return": {}, "id": 1}` + "\n"))
	f.Add([]byte(`{"event": "GUEST_PANICKED", "data": {"action": "pause"}, "timestamp": {"seconds": 1, "microseconds": 2}}` + "\n"))
	f.Add([]byte(`{"timestamp": {"seconds": 9223372036854775807, "microseconds": 9223372036854775807}, "event": "x"}`))
	f.Add([]byte("\n\n \n{"))
	f.Fuzz(func(t *testing.T, data []byte) {
		lines := newReader(strings.NewReader(string(data)))
		for {
			m, err := readMessage(lines)
			if err != nil {
				return
			}
			if at := m.Timestamp.time(); !at.IsZero() {
				if _, err := at.MarshalJSON(); err != nil {
					t.Errorf("a time that can't be written: %v", err)
				}
			}
		}
	})
}
