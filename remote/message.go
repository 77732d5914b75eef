package remote

import (
	"encoding/base64"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/masterzen/simplexml/dom"
	"github.com/masterzen/winrm/soap"

	"wskharness/remote/internal/wsman"
)

// message is a request ready to be sent.
type message struct {
	id   string
	body []byte
}

// builder makes requests with masterzen/winrm's SOAP builders. Those write text as it is, so
// everything that comes from outside is escaped here.
type builder struct {
	to          string
	timeout     time.Duration
	maxEnvelope int
}

func (c *WinRM) builder() builder {
	return builder{to: c.endpoint.URL, timeout: c.opts.OperationTimeout, maxEnvelope: int(c.maxEnvelope.Load())}
}

type option struct{ name, value string }

func (b builder) header(op operation, id, resource, shellID string, options ...option) (*soap.SoapMessage, error) {
	m := soap.NewMessage()
	escapedTo, err := wsman.Escape(b.to)
	if err != nil {
		return nil, err
	}
	escapedID, err := wsman.Escape(shellID)
	if err != nil {
		return nil, fmt.Errorf("shell id: %w", err)
	}
	h := m.Header().
		To(escapedTo).
		ReplyTo(wsman.Anonymous).
		MaxEnvelopeSize(b.maxEnvelope).
		Id(id).
		Locale("en-US").
		Timeout(wsman.FormatDuration(b.timeout)).
		Action(op.uri).
		ResourceURI(resource).
		ShellId(escapedID)
	for _, o := range options {
		h.AddOption(soap.NewHeaderOption(o.name, o.value))
	}
	return h.Build(), nil
}

// finish writes the message out. The builders leave mustUnderstand without its namespace, in
// which it means nothing to SOAP; a quote cannot occur in escaped text, so this touches only them.
func finish(id string, m *soap.SoapMessage) message {
	text := strings.ReplaceAll(m.String(), ` mustUnderstand="`, ` `+soap.NSP_SOAP_ENV+`:mustUnderstand="`)
	return message{id: id, body: []byte(text)}
}

func newMessageID() string { return "uuid:" + wsman.NewID() }

func (b builder) create(opts ShellOptions, name string) (message, error) {
	id := newMessageID()
	m, err := b.header(opCreate(), id, wsman.ResourceCmd, "",
		option{wsman.OptionNoProfile, strings.ToUpper(strconv.FormatBool(opts.NoProfile))},
		option{wsman.OptionCodepage, strconv.Itoa(opts.Codepage)})
	if err != nil {
		return message{}, err
	}
	shell := m.CreateBodyElement("Shell", soap.DOM_NS_WIN_SHELL)
	if name != "" {
		escaped, err := wsman.Escape(name)
		if err != nil {
			return message{}, fmt.Errorf("shell name %q: %w", name, err)
		}
		shell.SetAttr("Name", escaped)
	}
	// The order is that of the schema (MS-WSMV 2.2.4.37).
	if len(opts.Env) > 0 {
		if err := addEnvironment(m, shell, opts.Env); err != nil {
			return message{}, err
		}
	}
	if opts.Dir != "" {
		if err := addText(m, shell, "WorkingDirectory", opts.Dir); err != nil {
			return message{}, err
		}
	}
	if opts.IdleTimeout > 0 {
		m.CreateElement(shell, "IdleTimeOut", soap.DOM_NS_WIN_SHELL).SetContent(wsman.FormatDuration(opts.IdleTimeout))
	}
	m.CreateElement(shell, "InputStreams", soap.DOM_NS_WIN_SHELL).SetContent("stdin")
	m.CreateElement(shell, "OutputStreams", soap.DOM_NS_WIN_SHELL).SetContent("stdout stderr")
	return finish(id, m), nil
}

func addText(m *soap.SoapMessage, parent *dom.Element, name, text string) error {
	escaped, err := wsman.Escape(text)
	if err != nil {
		return fmt.Errorf("%s %q: %w", name, text, err)
	}
	m.CreateElement(parent, name, soap.DOM_NS_WIN_SHELL).SetContent(escaped)
	return nil
}

func addEnvironment(m *soap.SoapMessage, shell *dom.Element, env map[string]string) error {
	names := make([]string, 0, len(env))
	for name := range env {
		names = append(names, name)
	}
	sort.Strings(names)
	list := m.CreateElement(shell, "Environment", soap.DOM_NS_WIN_SHELL)
	for _, name := range names {
		if name == "" || strings.Contains(name[1:], "=") {
			return fmt.Errorf("environment variable %q: not a name that Windows accepts", name)
		}
		escapedName, err := wsman.Escape(name)
		if err != nil {
			return fmt.Errorf("environment variable %q: %w", name, err)
		}
		value, err := wsman.Escape(env[name])
		if err != nil {
			return fmt.Errorf("environment variable %q: its value: %w", name, err)
		}
		m.CreateElement(list, "Variable", soap.DOM_NS_WIN_SHELL).SetAttr("Name", escapedName).SetContent(value)
	}
	return nil
}

func (b builder) command(shellID string, line CommandLine) (message, error) {
	arguments, err := line.arguments()
	if err != nil {
		return message{}, err
	}
	id := newMessageID()
	m, err := b.header(opCommand(), id, wsman.ResourceCmd, shellID,
		option{wsman.OptionConsoleStdin, strings.ToUpper(strconv.FormatBool(line.ConsoleStdin))},
		option{wsman.OptionSkipShell, strings.ToUpper(strconv.FormatBool(line.SkipShell))})
	if err != nil {
		return message{}, err
	}
	body := m.CreateBodyElement("CommandLine", soap.DOM_NS_WIN_SHELL)
	if err := addText(m, body, "Command", line.Line); err != nil {
		return message{}, err
	}
	if arguments != "" {
		if err := addText(m, body, "Arguments", arguments); err != nil {
			return message{}, err
		}
	}
	return finish(id, m), nil
}

func (b builder) receive(shellID, commandID string) (message, error) {
	id := newMessageID()
	m, err := b.header(opReceive(), id, wsman.ResourceCmd, shellID, option{wsman.OptionKeepAlive, "TRUE"})
	if err != nil {
		return message{}, err
	}
	escaped, err := wsman.Escape(commandID)
	if err != nil {
		return message{}, err
	}
	body := m.CreateBodyElement("Receive", soap.DOM_NS_WIN_SHELL)
	m.CreateElement(body, "DesiredStream", soap.DOM_NS_WIN_SHELL).SetAttr("CommandId", escaped).SetContent("stdout stderr")
	return finish(id, m), nil
}

// mark stands for the data of a Send while the message around it is built: it occurs in no base64.
const mark = "-"

// send makes a Send around data. The message is built with a mark in place of the data, which is
// then encoded straight into its place: the builders would copy it several times.
func (b builder) send(shellID, commandID string, data []byte, end bool) (message, error) {
	id := newMessageID()
	m, err := b.header(opSend(), id, wsman.ResourceCmd, shellID)
	if err != nil {
		return message{}, err
	}
	escaped, err := wsman.Escape(commandID)
	if err != nil {
		return message{}, err
	}
	body := m.CreateBodyElement("Send", soap.DOM_NS_WIN_SHELL)
	stream := m.CreateElement(body, "Stream", soap.DOM_NS_WIN_SHELL).SetAttr("Name", "stdin").SetAttr("CommandId", escaped)
	if end {
		stream.SetAttr("End", "true")
	}
	stream.SetContent(mark)
	frame := finish(id, m)
	before, after, found := strings.Cut(string(frame.body), ">"+mark+"<")
	if !found {
		return message{}, fmt.Errorf("the SOAP builder lost the stream's content")
	}
	encoded := base64.StdEncoding.EncodedLen(len(data))
	out := make([]byte, 0, len(before)+encoded+len(after)+2)
	out = append(out, before...)
	out = append(out, '>')
	out = base64.StdEncoding.AppendEncode(out, data)
	out = append(out, '<')
	out = append(out, after...)
	return message{id: id, body: out}, nil
}

func (b builder) signal(shellID, commandID, code string) (message, error) {
	id := newMessageID()
	m, err := b.header(opSignal(), id, wsman.ResourceCmd, shellID)
	if err != nil {
		return message{}, err
	}
	escaped, err := wsman.Escape(commandID)
	if err != nil {
		return message{}, err
	}
	body := m.CreateBodyElement("Signal", soap.DOM_NS_WIN_SHELL).SetAttr("CommandId", escaped)
	m.CreateElement(body, "Code", soap.DOM_NS_WIN_SHELL).SetContent(code)
	return finish(id, m), nil
}

func (b builder) delete(shellID string) (message, error) {
	id := newMessageID()
	m, err := b.header(opDelete(), id, wsman.ResourceCmd, shellID)
	if err != nil {
		return message{}, err
	}
	m.NewBody()
	return finish(id, m), nil
}

func (b builder) get(resource string) (message, error) {
	id := newMessageID()
	m, err := b.header(opGet(), id, resource, "")
	if err != nil {
		return message{}, err
	}
	m.NewBody()
	return finish(id, m), nil
}
