package libvirt

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"wskharness/vm"
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

var expected = vmtest.Expect{Command: "echo up", Output: "up", Reverts: true, Dirty: "write dirt", Clean: "absent dirt", BootID: "boot-id", Crash: "crash"}

// clean fails the test where anything of a machine is left: a domain, a volume, a folder.
func (d *daemon) clean(t *testing.T, o Options) {
	t.Helper()
	for _, name := range d.domains(t, "qemu") {
		if strings.HasPrefix(name, "wskharness-") {
			t.Errorf("the domain %s is left", name)
		}
	}
	for _, dir := range []string{d.pool, leasesIn(o.Cache)} {
		entries, err := os.ReadDir(dir)
		if err != nil && !os.IsNotExist(err) {
			t.Error(err)
		}
		for _, entry := range entries {
			if !strings.HasPrefix(entry.Name(), "minimal") {
				t.Errorf("%s is left", filepath.Join(dir, entry.Name()))
			}
		}
	}
}

func TestConformanceOfClones(t *testing.T) {
	d := libvirtd(t)
	o := options(t, d, d.base(t, "", ""))
	vmtest.Run(t, provider(t, o), expected)
	d.clean(t, o)
}

var _ vm.Provider = (*Provider)(nil)
