package transfer

import (
	"context"
	"errors"
	"io"

	"wskharness/guest/agent"
	"wskharness/guest/transfer/frame"
	"wskharness/remote"
)

// ask runs a command of the agent that is asked with one MANIFEST and answers with frames. answer is given each frame but an
// ERROR that is about nothing in particular, and may read those that belong to it; after an ERROR about one entry the agent may
// go on with the next.
//
// An exit code other than 0 is an error unless answer was given an ERROR: then that has been told.
func (m *Mover) ask(ctx context.Context, command string, entries []frame.Entry, answer func(*frame.Reader, frame.Frame) error) error {
	p, err := m.agent.Start(ctx, command)
	if err != nil {
		return err
	}
	defer p.Close()
	_, sendErr := p.In.Write(frame.AppendManifest(nil, entries))
	told, err := listenTo(frame.NewReader(p.Out), len(entries), answer)
	if err != nil {
		return p.Explain(ctx, "agent "+command, err)
	}
	err = p.Wait(ctx)
	if failed, ok := errors.AsType[*agent.Error](err); ok && told && failed.ExitCode == agent.ExitRefused {
		err = nil
	}
	if err == nil && !remote.EndsInput(sendErr) { // it may end before its input is acknowledged
		err = sendErr
	}
	return err
}

// listenTo reads the agent's frames to their end. told reports whether there was an ERROR among them.
func listenTo(frames *frame.Reader, entries int, answer func(*frame.Reader, frame.Frame) error) (told bool, err error) {
	for {
		f, err := frames.Next()
		if errors.Is(err, io.EOF) {
			return told, nil
		}
		if err != nil {
			return told, err
		}
		if f.Kind == frame.Error {
			told = true
			if int(f.File) >= entries {
				return told, refusal("pull", "", f)
			}
		}
		if err := answer(frames, f); err != nil {
			return told, err
		}
	}
}
