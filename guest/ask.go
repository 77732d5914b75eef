package guest

import (
	"bufio"
	"context"
	"errors"
	"io"

	"wskharness/remote"
)

// ask runs a command of the agent that is asked with one MANIFEST and answers with frames. answer is
// given each frame but an ERROR that is about nothing in particular, and may read those that belong
// to it; after an ERROR about one entry the agent may go on with the next.
//
// An exit code other than 0 is an error unless answer was given an ERROR: then that has been told.
func (g *Guest) ask(ctx context.Context, command string, entries []manifestEntry, answer func(*frameReader, frame) error) error {
	p, err := g.start(ctx, g.exe, command)
	if err != nil {
		return err
	}
	defer p.close()
	sendErr := sendManifest(p, entries)
	told, err := listenTo(&frameReader{r: bufio.NewReader(p.Stdout)}, entries, answer)
	switch bad, broken := errors.AsType[*malformedError](err); {
	case broken:
		return &ProtocolError{Doing: "agent " + command, Err: bad}
	case errors.Is(err, io.ErrUnexpectedEOF): // how the agent died says more
		if _, died := p.wait(ctx); died != nil {
			return died
		}
		return &ProtocolError{Doing: "agent " + command, Err: err}
	case err != nil:
		return err
	}
	code, err := p.wait(ctx)
	if _, ended := errors.AsType[*AgentError](err); ended && told && code == refusedExit {
		err = nil
	}
	if err == nil && !remote.EndsInput(sendErr) { // it may end before its input is acknowledged
		err = sendErr
	}
	return err
}

// refusedExit is the agent's exit code for an operation that failed.
const refusedExit = 1

// notYetExit is its exit code for an order to a run that is not there yet, or not again after its reboot.
const notYetExit = 4

func sendManifest(p *process, entries []manifestEntry) error {
	w := bufio.NewWriterSize(p.Stdin, p.SendSize())
	_, _ = w.Write(appendFrame(nil, frame{kind: frameManifest, file: uint16(len(entries)), payload: appendManifest(nil, entries)})) // w keeps the error
	return w.Flush()
}

// listenTo reads the agent's frames to their end. told reports whether there was an ERROR among them.
func listenTo(frames *frameReader, entries []manifestEntry, answer func(*frameReader, frame) error) (told bool, err error) {
	for {
		f, err := frames.next()
		if errors.Is(err, io.EOF) {
			return told, nil
		}
		if err != nil {
			return told, err
		}
		if f.kind == frameError {
			told = true
			if int(f.file) >= len(entries) {
				return told, refusal(f, "")
			}
		}
		if err := answer(frames, f); err != nil {
			return told, err
		}
	}
}

// refusal is an ERROR frame as an error.
func refusal(f frame, path string) *TransferError {
	return &TransferError{Path: path, Win32: uint32(f.offset), Text: clip(printable(f.payload), maxComplaint)}
}
