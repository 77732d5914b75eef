package remote

import (
	"encoding/base64"
	"fmt"
	"strings"

	"wskharness/remote/internal/wsman"
)

// createdShell reads the answer to Create: the new shell's id.
func createdShell(env wsman.Envelope) (string, error) {
	var ids []string
	created := env.Body.Child(wsman.NSTransfer, "ResourceCreated")
	selectors := created.Child(wsman.NSAddressing, "ReferenceParameters").Child(wsman.NSManagement, "SelectorSet")
	for _, s := range selectors.All(wsman.NSManagement, "Selector") {
		if strings.EqualFold(s.Attr("", "Name"), "ShellId") {
			ids = append(ids, s.Content())
		}
	}
	for _, s := range env.Body.All(wsman.NSShell, "Shell") {
		ids = append(ids, contents(s, "ShellId")...)
	}
	return theID("shell", ids)
}

// startedCommand reads the answer to Command: the new command's id.
func startedCommand(env wsman.Envelope) (string, error) {
	return theID("command", contents(env.Body.Child(wsman.NSShell, "CommandResponse"), "CommandId"))
}

// contents are those of all children with that name.
func contents(of *wsman.Element, local string) []string {
	var all []string
	for _, e := range of.All(wsman.NSShell, local) {
		all = append(all, e.Content())
	}
	return all
}

// theID is what all say that say anything.
func theID(of string, ids []string) (string, error) {
	found := ""
	for _, id := range ids {
		switch {
		case id == "" || strings.EqualFold(id, found):
		case found != "":
			return "", fmt.Errorf("the answer names two %ss, %.80q and %.80q", of, found, id)
		default:
			found = id
		}
	}
	if found == "" {
		return "", fmt.Errorf("the answer names no %s", of)
	}
	return found, nil
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
// together, and so are several states. What belongs to another command or to a stream that was not asked for is refused.
func receivedOutput(env wsman.Envelope, commandID string) (received, error) {
	var r received
	bodies := env.Body.All(wsman.NSShell, "ReceiveResponse")
	if len(bodies) != 1 {
		return r, fmt.Errorf("the answer has %d ReceiveResponses, not one", len(bodies))
	}
	body := bodies[0]
	for _, s := range body.All(wsman.NSShell, "Stream") {
		if err := r.stream(s, commandID); err != nil {
			return r, err
		}
	}
	state, err := stateIn(body.All(wsman.NSShell, "CommandState"), commandID)
	if err != nil {
		return r, err
	}
	r.done, r.exitCode = state.done, state.exitCode
	return r, nil
}

// stream takes one piece in.
func (r *received) stream(s *wsman.Element, commandID string) error {
	if id := s.Attr("", "CommandId"); id != "" && !strings.EqualFold(id, commandID) {
		return fmt.Errorf("the answer has output of another command, %.80q", id)
	}
	which := stdout
	switch name := s.Attr("", "Name"); name {
	case "stdout":
	case "stderr":
		which = stderr
	default:
		return fmt.Errorf("the answer has output of an unknown stream, %.80q", name)
	}
	end, err := boolean(s.Attr("", "End"))
	if err != nil {
		return fmt.Errorf("whether the answer has the end of %s: %w", streamName(which), err)
	}
	data, err := base64.StdEncoding.DecodeString(spaceless(s.Content()))
	if err != nil {
		return fmt.Errorf("the answer's output is not base64: %w", err)
	}
	if r.data[which] == nil {
		r.data[which] = data
	} else {
		r.data[which] = append(r.data[which], data...)
	}
	r.end[which] = r.end[which] || end
	return nil
}

// spaceless takes out the white space that base64 may have in XML (xs:base64Binary). Line breaks the decoder skips.
func spaceless(text string) string {
	if !strings.ContainsAny(text, " \t") {
		return text // half a megabyte is not copied for nothing
	}
	return strings.NewReplacer(" ", "", "\t", "").Replace(text)
}

// boolean reads an xs:boolean, in whatever case; what is absent is false.
func boolean(text string) (bool, error) {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "true", "1":
		return true, nil
	case "", "false", "0":
		return false, nil
	}
	return false, fmt.Errorf("%.40q is neither true nor false", text)
}
