package winrmd

import (
	"strconv"
	"strings"
	"time"

	"wskharness/remote/internal/wsman"
)

// request is an envelope that was understood.
type request struct {
	env       wsman.Envelope
	action    string
	resource  string
	messageID string
	to        string
	timeout   time.Duration // for the operation, capped
	envelope  int           // largest answer that the client takes, in bytes
	shellID   string
	options   map[string]string // by name in capitals
	clientIP  string
	user      string
}

const (
	minEnvelope    = 8192 // recorded nowhere; wsmerror.h has ERROR_WSMAN_MIN_ENVELOPE_SIZE, WINDOWS the number
	defaultTimeout = 60 * time.Second
)

// parseRequest takes an envelope apart. What is wrong with it is returned as a fault, together with
// as much of the request as could be read, so that the fault can say what it answers.
func (s *Server) parseRequest(body []byte) (request, *fault) {
	r := request{timeout: defaultTimeout, envelope: s.maxEnvelope(), options: make(map[string]string)}
	env, err := wsman.ParseEnvelope(body)
	if err != nil {
		return r, invalidXML(err)
	}
	r.env = env
	r.action, r.messageID = env.Action(), env.MessageID()
	r.to = env.Header.Child(wsman.NSAddressing, "To").Content()
	r.resource = env.Header.Child(wsman.NSManagement, "ResourceURI").Content()
	if f := mustUnderstand(env.Header); f != nil {
		return r, f
	}
	if isIdentify(env) {
		return r, nil // has none of the headers of other requests (DSP0226 11)
	}
	if r.action == "" {
		return r, missingHeader("a:Action")
	}
	if r.messageID == "" {
		return r, missingHeader("a:MessageID")
	}
	if f := s.readLimits(&r); f != nil {
		return r, f
	}
	for _, sel := range env.Header.Child(wsman.NSManagement, "SelectorSet").All(wsman.NSManagement, "Selector") {
		if !strings.EqualFold(sel.Attr("", "Name"), "ShellId") {
			return r, unexpectedSelectors("The request has a selector that a shell does not have.")
		}
		r.shellID = strings.ToUpper(sel.Content())
	}
	return r, s.readOptions(&r)
}

func isIdentify(env wsman.Envelope) bool { return env.Body.Child(wsman.NSIdentity, "Identify") != nil }

func (s *Server) maxEnvelope() int { return s.opts.Limits.MaxEnvelopeSizekb << 10 }

func (s *Server) readLimits(r *request) *fault {
	if e := r.env.Header.Child(wsman.NSManagement, "OperationTimeout"); e != nil {
		d, err := wsman.ParseDuration(e.Content())
		if err != nil {
			return invalidHeader("w:OperationTimeout")
		}
		r.timeout = d
	}
	r.timeout = min(r.timeout, time.Duration(s.opts.Limits.MaxTimeoutms)*time.Millisecond)
	if e := r.env.Header.Child(wsman.NSManagement, "MaxEnvelopeSize"); e != nil {
		n, err := strconv.ParseUint(e.Content(), 10, 32)
		if err != nil {
			return invalidHeader("w:MaxEnvelopeSize")
		}
		if n < minEnvelope {
			return envelopeTooSmall()
		}
		r.envelope = min(int(n), s.maxEnvelope())
	}
	return nil
}

// understood are the headers that mean something here, by namespace.
func understood(space, local string) bool {
	switch space {
	case wsman.NSAddressing:
		switch local {
		case "Action", "To", "MessageID", "ReplyTo", "FaultTo", "From", "RelatesTo":
			return true
		}
	case wsman.NSManagement:
		switch local {
		case "ResourceURI", "SelectorSet", "OptionSet", "OperationTimeout", "MaxEnvelopeSize", "Locale":
			return true
		}
	case wsman.NSMicrosoft:
		switch local {
		case "DataLocale", "SessionId", "SequenceId", "OperationID", "FunctionID", "ActivityId":
			return true
		}
	}
	return false
}

func mustUnderstand(header *wsman.Element) *fault {
	for _, h := range header.Children {
		must := h.Attr(wsman.NSEnvelope, "mustUnderstand")
		if (must == "true" || must == "1") && !understood(h.Space, h.Local) {
			return notUnderstood(h.Local)
		}
	}
	return nil
}

// knownOption says whether a shell's request may carry an option; others are ignored unless they
// must be complied with (DSP0226 6.4).
func knownOption(name string) bool {
	switch name {
	case wsman.OptionNoProfile, wsman.OptionCodepage, wsman.OptionConsoleStdin, wsman.OptionSkipShell, wsman.OptionKeepAlive:
		return true
	}
	return false
}

func (s *Server) readOptions(r *request) *fault {
	for _, o := range r.env.Header.Child(wsman.NSManagement, "OptionSet").All(wsman.NSManagement, "Option") {
		name := strings.ToUpper(o.Attr("", "Name"))
		must := o.Attr("", "MustComply")
		if !knownOption(name) {
			if must == "true" || must == "1" {
				return invalidOptions(wsman.CodeInvalidOptionName)
			}
			continue
		}
		r.options[name] = o.Content()
	}
	return nil
}

// flag reads a Boolean option; what is absent is false.
func (r request) flag(name string) (bool, *fault) {
	switch strings.ToUpper(r.options[name]) {
	case "", "FALSE", "0":
		return false, nil
	case "TRUE", "1":
		return true, nil
	}
	return false, invalidOptions(wsman.CodeInvalidOptionValue)
}
