package remote

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"wskharness/remote/internal/wsman"
)

// createdShell reads the answer to Create: the new shell's id.
func createdShell(env wsman.Envelope) (string, error) {
	created := env.Body.Child(wsman.NSTransfer, "ResourceCreated")
	selectors := created.Child(wsman.NSAddressing, "ReferenceParameters").Child(wsman.NSManagement, "SelectorSet")
	for _, s := range selectors.All(wsman.NSManagement, "Selector") {
		if strings.EqualFold(s.Attr("", "Name"), "ShellId") && s.Content() != "" {
			return s.Content(), nil
		}
	}
	if id := env.Body.Child(wsman.NSShell, "Shell").Child(wsman.NSShell, "ShellId").Content(); id != "" {
		return id, nil
	}
	return "", errors.New("the answer names no shell")
}

// startedCommand reads the answer to Command: the new command's id.
func startedCommand(env wsman.Envelope) (string, error) {
	id := env.Body.Child(wsman.NSShell, "CommandResponse").Child(wsman.NSShell, "CommandId").Content()
	if id == "" {
		return "", errors.New("the answer names no command")
	}
	return id, nil
}

// received is the answer to one Receive.
type received struct {
	data     [2][]byte // by stream
	end      [2]bool
	done     bool
	exitCode uint32
}

func (r received) empty() bool {
	return !r.done && len(r.data[stdout])+len(r.data[stderr]) == 0 && !r.end[stdout] && !r.end[stderr]
}

// receivedOutput reads the answer to Receive. Several pieces of one stream in one answer are put
// together. What belongs to another command or to a stream that was not asked for is refused.
func receivedOutput(env wsman.Envelope, commandID string) (received, error) {
	var r received
	body := env.Body.Child(wsman.NSShell, "ReceiveResponse")
	if body == nil {
		return r, errors.New("the answer has no ReceiveResponse")
	}
	for _, s := range body.All(wsman.NSShell, "Stream") {
		if id := s.Attr("", "CommandId"); id != "" && !strings.EqualFold(id, commandID) {
			return r, fmt.Errorf("the answer has output of another command, %.80q", id)
		}
		which := stdout
		switch name := s.Attr("", "Name"); name {
		case "stdout":
		case "stderr":
			which = stderr
		default:
			return r, fmt.Errorf("the answer has output of an unknown stream, %.80q", name)
		}
		data, err := base64.StdEncoding.DecodeString(s.Content())
		if err != nil {
			return r, fmt.Errorf("the answer's output is not base64: %w", err)
		}
		if r.data[which] == nil {
			r.data[which] = data
		} else {
			r.data[which] = append(r.data[which], data...)
		}
		r.end[which] = r.end[which] || isTrue(s.Attr("", "End"))
	}
	state := body.Child(wsman.NSShell, "CommandState")
	r.done = state.Attr("", "State") == wsman.StateDone
	if !r.done {
		return r, nil
	}
	code, err := exitCode(state.Child(wsman.NSShell, "ExitCode").Content())
	if err != nil {
		return r, err
	}
	r.exitCode = code
	return r, nil
}

// exitCode reads an exit code, which Windows writes as a signed or an unsigned 32-bit number. What
// is neither is an error: it must not pass for 0.
func exitCode(text string) (uint32, error) {
	if n, err := strconv.ParseUint(text, 10, 32); err == nil {
		return uint32(n), nil
	}
	if n, err := strconv.ParseInt(text, 10, 32); err == nil {
		return uint32(int32(n)), nil
	}
	return 0, fmt.Errorf("the command is done, but its exit code is %.40q", text)
}

func isTrue(text string) bool { return text == "true" || text == "1" || text == "TRUE" }
