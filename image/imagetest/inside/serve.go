//go:build linux

package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"strings"
	"time"

	"golang.org/x/text/encoding/unicode"
	"software.sslmate.com/src/go-pkcs12"

	"wskharness/remote"
	"wskharness/remote/winrmd"
	"wskharness/vm/vmtest/bootable/early"
)

// serve answers as a Windows does that finish.ps1 has run on.
func serve(mode string, s *state) error {
	say("step certificate")
	password, err := administrator(s.Files["wskharness/unattend.xml"])
	if err != nil {
		return err
	}
	secret := strings.TrimSpace(string(s.Files["wskharness/setup/winrm.txt"]))
	key, certificate, err := pkcs12.Decode(s.Files["wskharness/setup/winrm.pfx"], secret)
	if err != nil {
		return fmt.Errorf("winrm.pfx: %w", err)
	}
	own := tls.Certificate{Certificate: [][]byte{certificate.Raw}, PrivateKey: key}
	switch mode {
	case "other-certificate":
		other, err := winrmd.NewCertificate("127.0.0.1", "localhost")
		if err != nil {
			return err
		}
		own = other.TLS
	case "other-password":
		password += "x"
	case "restarts":
		time.Sleep(time.Second)
		return early.Reboot()
	}
	server, err := winrmd.New(winrmd.Options{Host: host{mode}, User: "Administrator", Password: remote.Secret(password), Certificate: own})
	if err != nil {
		return err
	}
	say("step winrm")
	listener, err := net.Listen("tcp4", "0.0.0.0:5986")
	if err != nil {
		return err
	}
	say("ready")
	return server.Serve(listener)
}

// administrator is the password of an answer file.
func administrator(file []byte) (string, error) {
	var a answers
	if err := xml.Unmarshal(file, &a); err != nil {
		return "", fmt.Errorf("unattend.xml: %w", err)
	}
	for _, s := range a.Settings {
		for _, c := range s.Components {
			if s.Pass != "oobeSystem" || c.Password == "" {
				continue
			}
			data, err := base64.StdEncoding.DecodeString(c.Password)
			if err != nil {
				return "", err
			}
			text, err := unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewDecoder().Bytes(data)
			if err != nil {
				return "", err
			}
			password, ok := strings.CutSuffix(string(text), "AdministratorPassword")
			if !ok {
				return "", errors.New("unattend.xml: the password is not written as Windows wants it")
			}
			return password, nil
		}
	}
	return "", errors.New("unattend.xml has no password")
}

// host runs the few commands that the harness gives.
type host struct{ mode string }

func (h host) Start(_ context.Context, spec winrmd.Spec) (winrmd.Process, error) {
	p := &process{}
	line := strings.TrimSpace(spec.Command)
	switch {
	case strings.Contains(line, "SystemStartOptions"):
		options := " TESTSIGNING  NOEXECUTE=OPTIN"
		if h.mode == "not-signing" {
			options = " NOEXECUTE=OPTIN"
		}
		p.out.WriteString("\r\n    SystemStartOptions    REG_SZ   " + options + "\r\n")
	case strings.HasPrefix(line, "shutdown.exe /s"):
		p.off = true
	default:
		return nil, fmt.Errorf("start %q: %w", line, fs.ErrNotExist)
	}
	return p, nil
}

type process struct {
	out bytes.Buffer
	off bool
}

func (p *process) Stdin() io.WriteCloser { return nothing{} }
func (p *process) Stdout() io.Reader     { return &p.out }
func (p *process) Stderr() io.Reader     { return strings.NewReader("") }

func (*process) Signal(context.Context, winrmd.Signal) error { return nil }

func (p *process) Wait() (uint32, error) {
	if p.off {
		go func() {
			time.Sleep(time.Second)
			early.PowerOff()
		}()
	}
	return 0, nil
}

type nothing struct{}

func (nothing) Write(b []byte) (int, error) { return len(b), nil }
func (nothing) Close() error                { return nil }
