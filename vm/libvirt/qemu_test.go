//go:build linux

package libvirt

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"wskharness/vm/access"
	"wskharness/vm/vmtest"
	"wskharness/vm/vmtest/minimal"
)

// service is how the minimal guest's WinRM is reached.
func service(t *testing.T) access.Service {
	t.Helper()
	guest := minimal.Build(t)
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(guest.Password), 0o600); err != nil {
		t.Fatal(err)
	}
	return access.Service{
		Login:     access.Login{User: guest.User, PasswordFile: file, Auth: "basic", Certificate: guest.CertificateSHA256},
		Transport: "https", Port: minimal.Port,
	}
}

// options are those of a provider of clones of the minimal guest.
func options(t *testing.T, d *daemon, domain string) Options {
	t.Helper()
	return Options{
		Cache: t.TempDir(), URI: d.uri("qemu"), Domain: domain, Overlay: true, Address: byForward, Service: service(t), Getenv: os.Getenv,
		Logger: hclog.New(&hclog.LoggerOptions{Output: testLog{t}, Level: hclog.Debug}),
	}
}

type testLog struct{ t *testing.T }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

func provider(t *testing.T, o Options) *Provider {
	t.Helper()
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// expected is what a machine of these options is able to do.
func (d *daemon) expected(t *testing.T, o Options) vmtest.Expect {
	return vmtest.Expect{
		Command: "echo up", Output: "up", Reverts: true, Dirty: "write dirt", Clean: "absent dirt", BootID: "boot-id", Crash: "crash",
		Left: func() ([]string, error) { return d.left(t, o) },
	}
}

// left is what is left of machines: domains, volumes, folders.
func (d *daemon) left(t *testing.T, o Options) ([]string, error) {
	var left []string
	for _, name := range d.domains(t, "qemu") {
		if strings.HasPrefix(name, "wskharness-") {
			left = append(left, "domain "+name)
		}
	}
	for _, dir := range []string{d.pool, leasesIn(o.Cache)} {
		entries, err := os.ReadDir(dir)
		if err != nil && !os.IsNotExist(err) {
			return nil, err
		}
		for _, entry := range entries {
			if !strings.HasPrefix(entry.Name(), "minimal") {
				left = append(left, filepath.Join(dir, entry.Name()))
			}
		}
	}
	return left, nil
}

// clean fails the test where anything of a machine is left.
func (d *daemon) clean(t *testing.T, o Options) {
	t.Helper()
	if left, err := d.left(t, o); err != nil || len(left) > 0 {
		t.Errorf("%q is left, %v", left, err)
	}
}

func TestConformanceOfClones(t *testing.T) {
	d := libvirtd(t)
	o := options(t, d, d.base(t, "", ""))
	vmtest.Run(t, provider(t, o), d.expected(t, o))
}
