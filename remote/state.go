package remote

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"wskharness/remote/internal/wsman"
)

// commandState is how far a command has come, by one answer.
type commandState struct {
	done     bool
	exitCode uint32 // of one that is done
}

// stateIn puts together what all CommandState elements of an answer say, in whatever order: a command that is done was
// running before, and does not run again. An element without a command's id is about the shell (MS-WSMV 2.2.4.9), unless
// no other one is there: then it is from a server that does not name what it was asked about.
//
// States of another command, unknown ones, a command that is done without an exit code and one that has two are errors:
// none of them may pass for the end of this command, or for its going on.
func stateIn(elements []*wsman.Element, commandID string) (commandState, error) {
	var named, nameless []*wsman.Element
	for _, e := range elements {
		switch id := strings.TrimSpace(e.Attr("", "CommandId")); {
		case id == "":
			nameless = append(nameless, e)
		case strings.EqualFold(id, commandID):
			named = append(named, e)
		default:
			return commandState{}, fmt.Errorf("the answer has the state of another command, %.80q", id)
		}
	}
	if len(named) == 0 {
		named = nameless
	}
	var state commandState
	var codes []string
	for _, e := range named {
		done, err := isDone(e)
		if err != nil {
			return commandState{}, err
		}
		if done {
			state.done = true
			codes = append(codes, contents(e, "ExitCode")...)
		}
	}
	if !state.done {
		return state, nil
	}
	var err error
	state.exitCode, err = theExitCode(codes)
	return state, err
}

// isDone reads one state. The three are all that there are (MS-WSMV 2.2.4.9); an element may do without.
func isDone(e *wsman.Element) (bool, error) {
	switch state := strings.TrimSpace(e.Attr("", "State")); state {
	case wsman.StateDone:
		return true, nil
	case wsman.StateRunning, wsman.StatePending, "":
		return false, nil
	default:
		return false, fmt.Errorf("the answer has an unknown state of the command, %.120q", state)
	}
}

// theExitCode is the one that all give.
func theExitCode(texts []string) (uint32, error) {
	if len(texts) == 0 {
		return 0, errors.New("the command is done, but the answer has no exit code")
	}
	first, err := exitCode(texts[0])
	if err != nil {
		return 0, err
	}
	for _, text := range texts[1:] {
		code, err := exitCode(text)
		if err != nil {
			return 0, err
		}
		if code != first {
			return 0, fmt.Errorf("the command is done, but the answer has two exit codes, %d and %d", first, code)
		}
	}
	return first, nil
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
