package replaytest

import (
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// answer is what a recorded answer says, read by other means than the client's: by that, the client is judged.
type answer struct {
	soap           bool
	shell, command string // ids of what was made
	output         [2]string
	done           bool
	exitCode       uint32
	fault          *uint32 // its code; 0 where it has none
}

// answerOf reads an answer; what can't be read says nothing.
func answerOf(text string) (a answer) {
	decoder := xml.NewDecoder(strings.NewReader(text))
	var path []xml.StartElement
	for {
		token, err := decoder.Token()
		if err != nil {
			return a
		}
		switch t := token.(type) {
		case xml.StartElement:
			path = append(path, t.Copy())
			a.begin(t)
		case xml.EndElement:
			path = path[:len(path)-1]
		case xml.CharData:
			if len(path) > 0 {
				a.text(path[len(path)-1], string(t))
			}
		}
	}
}

func (a *answer) begin(e xml.StartElement) {
	switch e.Name.Local {
	case "Envelope":
		a.soap = true
	case "Fault":
		if a.fault == nil {
			a.fault = new(uint32)
		}
	case "WSManFault":
		if code, err := strconv.ParseUint(attribute(e, "Code"), 10, 32); err == nil && a.fault != nil && *a.fault == 0 {
			*a.fault = uint32(code)
		}
	case "CommandState":
		a.done = a.done || strings.HasSuffix(attribute(e, "State"), "/CommandState/Done")
	}
}

func (a *answer) text(in xml.StartElement, text string) {
	content := strings.TrimSpace(text)
	switch {
	case content == "":
	case in.Name.Local == "Selector" && strings.EqualFold(attribute(in, "Name"), "ShellId"), in.Name.Local == "ShellId":
		a.shell = content
	case in.Name.Local == "CommandId":
		a.command = content
	case in.Name.Local == "ExitCode":
		if code, err := strconv.ParseInt(content, 10, 64); err == nil {
			a.exitCode = uint32(code)
		}
	case in.Name.Local == "Stream":
		data, _ := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(content), ""))
		which := 0
		if attribute(in, "Name") == "stderr" {
			which = 1
		}
		a.output[which] += string(data)
	}
}

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// Outcome is what a command has come to.
type Outcome struct {
	Stdout, Stderr string
	End            string // "exit code 3", "fault 2147942402 (HTTP 500)", noAnswer, givenUp
}

const (
	noAnswer = "no answer"
	givenUp  = "ended by the controller"
)

// Want is what the recording says that became of the command.
func (c *Command) Want() Outcome {
	if !c.start.went() {
		return Outcome{End: c.start.failure()}
	}
	o := Outcome{End: givenUp}
	for _, e := range c.receives {
		a := e.said
		o.Stdout, o.Stderr = o.Stdout+a.output[0], o.Stderr+a.output[1]
		switch {
		case a.done:
			o.End = exited(a.exitCode)
		case e.went(), e.GaveUp:
			o.End = givenUp
		default:
			o.End = e.failure()
		}
	}
	if strings.HasPrefix(o.End, fmt.Sprintf("fault %d ", timedOut)) {
		o.End = givenUp // it had nothing to say, and nobody has asked again
	}
	return o
}

// timedOut is ERROR_WSMAN_OPERATION_TIMEDOUT (wsmerror.h): there was nothing to say.
const timedOut = 2150858793

func exited(code uint32) string { return fmt.Sprintf("exit code %d", code) }

func faulted(code uint32, status int) string { return fmt.Sprintf("fault %d (HTTP %d)", code, status) }

// failure is what went wrong with an exchange that did not go well.
func (e *exchange) failure() string {
	a := e.said
	switch {
	case e.Status == 0:
		return noAnswer
	case a.fault != nil:
		return faulted(*a.fault, e.Status)
	case e.Status != http.StatusOK:
		return faulted(0, e.Status)
	}
	return noAnswer
}
