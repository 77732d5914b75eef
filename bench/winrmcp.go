package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/masterzen/winrm"
	"github.com/masterzen/winrm/soap"
	"github.com/packer-community/winrmcp/winrmcp"

	"wskharness/guest"
	"wskharness/remote"
)

// copyWinrmcp measures how long winrmcp takes to bring data into the guest. It does so with one `echo` of
// base64 a chunk, and decodes the file with PowerShell at the end. Wine has no PowerShell, so what is measured
// ends when it asks for it: on Windows it takes longer than this. That the text arrived is checked here.
func copyWinrmcp(ctx context.Context, up *upGuest, through *relay, g *guest.Guest, data []byte) (sample, error) {
	password, err := up.password()
	if err != nil {
		return sample{}, err
	}
	pem, err := os.ReadFile(up.CertificateFile)
	if err != nil {
		return sample{}, err
	}
	meter := &winrmMeter{transport: winrm.NewClientWithDial(nil), ctx: ctx}
	peer, err := winrmcp.New(through.address(), &winrmcp.Config{
		Auth: winrmcp.Auth{User: up.User, Password: password}, Https: true, CACertBytes: pem,
		OperationTimeout: time.Minute, MaxOperationsPerShell: 15, // as Packer sets it
		TransportDecorator: func() winrm.Transporter { return meter },
	})
	if err != nil {
		return sample{}, err
	}
	before, begun := through.bytes.Load(), time.Now()
	err = peer.Write(`C:\bench\winrmcp.bin`, bytes.NewReader(data))
	if meter.decoding.IsZero() {
		return sample{}, fmt.Errorf("winrmcp did not get as far as decoding: %v", err)
	}
	s := sample{took: meter.decoding.Sub(begun), requests: meter.requests, wire: through.bytes.Load() - before, payload: len(data)}
	return s, checkWinrmcp(ctx, g, data)
}

// winrmMeter counts requests, and stops winrmcp where it starts PowerShell.
type winrmMeter struct {
	transport winrm.Transporter
	ctx       context.Context
	requests  int64
	decoding  time.Time
}

func (m *winrmMeter) Transport(e *winrm.Endpoint) error { return m.transport.Transport(e) }

// Post is not called by two goroutines at once: winrm's commands fetch their output in one of their own, but
// winrmcp waits for it before it goes on.
func (m *winrmMeter) Post(c *winrm.Client, message *soap.SoapMessage) (string, error) {
	if err := m.ctx.Err(); err != nil {
		return "", err
	}
	if strings.Contains(message.String(), "powershell") {
		if m.decoding.IsZero() {
			m.decoding = time.Now()
		}
		return "", errors.New("there is no PowerShell in Wine")
	}
	m.requests++
	return m.transport.Post(c, message)
}

// checkWinrmcp finds what winrmcp left in the guest's TEMP, and decodes it.
func checkWinrmcp(ctx context.Context, g *guest.Guest, want []byte) error {
	var out, errs bytes.Buffer
	code, err := g.Exec(ctx, remote.CommandLine{Line: `echo %TEMP%& dir /b %TEMP%\winrmcp-*`}, nil, &out, &errs)
	if err != nil || code != 0 {
		return fmt.Errorf("look for winrmcp's file: exit code %d, %v: %s", code, err, errs.Bytes())
	}
	lines := strings.Fields(out.String())
	if len(lines) != 2 {
		return fmt.Errorf("look for winrmcp's file: found %q", lines)
	}
	path := lines[0] + `\` + lines[1]
	text, err := fetch(ctx, g, path)
	if err != nil {
		return err
	}
	var got []byte
	for line := range strings.Lines(string(text)) {
		decoded, err := base64.StdEncoding.DecodeString(strings.TrimSpace(line))
		if err != nil {
			return fmt.Errorf("decode %s: %w", path, err)
		}
		got = append(got, decoded...)
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("winrmcp's file holds %d bytes, not the %d that were sent, or others", len(got), len(want))
	}
	_, err = g.Exec(ctx, remote.CommandLine{Line: `del "` + path + `"`}, nil, nil, nil)
	return err
}
