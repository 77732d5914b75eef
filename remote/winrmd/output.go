package winrmd

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"wskharness/remote/internal/wsman"
)

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
	c.flush(stream)
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
	if len(c.partial[stream]) > 0 {
		data = append(c.partial[stream], data...)
	}
	n := len(data) - c.unfinished(data)
	c.partial[stream] = bytes.Clone(data[n:])
	c.add(stream, data[:n:n])
	return true
}

// add puts output where a Receive finds it. The lock is held.
func (c *command) add(stream int, data []byte) {
	if len(data) == 0 {
		return
	}
	// Small writes of one stream are put together while they wait.
	if last := len(c.out) - 1; last >= 0 && c.out[last].stream == stream && len(c.out[last].data)+len(data) <= chunkSize {
		c.out[last].data = append(c.out[last].data, data...)
	} else {
		c.out = append(c.out, chunk{stream, data})
	}
	c.held[stream] += len(data)
	c.changed()
}

// flush adds the beginning of a character whose end does not come. It says whether there was one. The lock is held.
func (c *command) flush(stream int) bool {
	partial := c.partial[stream]
	c.partial[stream] = nil
	c.add(stream, partial)
	return len(partial) > 0
}

// unfinished is how many bytes at the end of data begin a character of UTF-8 that is not there whole. They wait for the
// rest, in a shell that asked for UTF-8: there are clients that decode each piece of an output by itself.
func (c *command) unfinished(data []byte) int {
	if c.shell.codepage != utf8Codepage {
		return 0
	}
	for n := 1; n < utf8.UTFMax && n <= len(data); n++ {
		if tail := data[len(data)-n:]; utf8.RuneStart(tail[0]) {
			if utf8.FullRune(tail) {
				return 0
			}
			return n
		}
	}
	return 0
}

// fitting is how much of data goes into an answer that has so much room.
func (c *command) fitting(data []byte, room int) int {
	if len(data) <= room {
		return len(data)
	}
	return room - c.unfinished(data[:room])
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
			if have > 0 || c.flushAll(wanted) {
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

// flushAll is flush for the wanted streams.
func (c *command) flushAll(wanted [2]bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	some := false
	for i := range wanted {
		some = wanted[i] && c.flush(i) || some
	}
	return some
}

// take writes what there is into an answer, and forgets it.
func (c *command) take(b *markup, wanted [2]bool, budget int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	total := 0
	for i := range wanted {
		if wanted[i] {
			total += min(c.held[i], budget)
		}
	}
	b.data = make([]byte, 0, base64.StdEncoding.EncodedLen(total)+envelopeSize)
	b.raw("<rsp:ReceiveResponse>")
	var left []chunk
	more := false // of what is wanted
	for _, ch := range c.out {
		n := 0
		if wanted[ch.stream] {
			n = c.fitting(ch.data, budget)
		}
		if wanted[ch.stream] && n < len(ch.data) {
			more, budget = true, n // nothing behind it may overtake it
		}
		if n > 0 {
			c.stream(b, ch.stream, "").base64(ch.data[:n]).raw("</rsp:Stream>")
			budget -= n
			c.held[ch.stream] -= n
		}
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
