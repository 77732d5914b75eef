package windowstest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"wskharness/prepare/windows"
	"wskharness/remote"
	"wskharness/remote/winrmd"
	"wskharness/remote/winrmd/winrmdtest"
	"wskharness/vm/powershell"
	"wskharness/vm/powershell/powershelltest"
)

// Serve has a WinRM endpoint in front of a Windows, whose PowerShell is played: it knows the one script that it is sent. While
// the machine boots its connections are cut, and the first requests behind a boot are refused.
func Serve(t testing.TB, w *Windows) remote.Endpoint {
	t.Helper()
	certificate, err := winrmd.NewCertificate("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	s := &served{w: w}
	s.server, err = winrmd.New(winrmd.Options{
		Host: powershelltest.Host{Answer: s.answer}, User: "tester", Password: "secret", Certificate: certificate.TLS,
		Inject: func(winrmd.Request) winrmd.InjectedFault {
			if s.refuse.Add(-1) >= 0 {
				return winrmd.InjectedFault{Kind: winrmd.Unauthorized}
			}
			return winrmd.InjectedFault{}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return remote.Endpoint{URL: "https://" + winrmdtest.Serve(t, s.server) + "/wsman", User: "tester", Password: "secret", Auth: remote.AuthBasic, PinSHA256: certificate.SHA256}
}

type served struct {
	w      *Windows
	server *winrmd.Server
	refuse atomic.Int64 // requests that are answered with 401
}

// answer executes the script's calls.
func (s *served) answer(ctx context.Context, c powershelltest.Call) (any, error) {
	var p struct {
		Calls []struct {
			windows.Call
			Password string `json:"password"`
		} `json:"calls"`
	}
	if err := json.Unmarshal(c.Parameters, &p); err != nil || !strings.Contains(c.Script, "function Invoke-Call") {
		return nil, fmt.Errorf("not the script: %.100q, %w", c.Script, err)
	}
	calls := make([]windows.Call, len(p.Calls))
	for n, c := range p.Calls {
		calls[n], calls[n].Secret = c.Call, remote.Secret(c.Password)
	}
	answers, err := s.w.Do(ctx, calls)
	if _, down := errors.AsType[*remote.ConnError](err); down {
		go s.reboot()
		return nil, &powershelltest.Instead{Output: powershell.Output{ExitCode: 1}}
	}
	return map[string]any{"answers": answers}, err
}

// reboot is what clients see of one.
func (s *served) reboot() {
	s.server.Reset()
	s.w.mu.Lock()
	s.w.late, s.w.away = 0, 0
	s.w.start()
	s.w.mu.Unlock()
	s.refuse.Store(2)
	s.server.Resume()
}
