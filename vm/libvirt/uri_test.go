package libvirt

import (
	"slices"
	"strings"
	"testing"
)

func TestParsePlace(t *testing.T) {
	for _, test := range []struct {
		uri, transport, driver, same string
		sockets                      []string
		fails                        string
	}{
		{uri: "qemu:///system", transport: "unix", driver: "qemu:///system", same: "qemu:///system",
			sockets: []string{"/var/run/libvirt/libvirt-sock", "/var/run/libvirt/virtqemud-sock"}},
		{uri: "qemu+unix:///system?socket=/tmp/x/sock", transport: "unix", driver: "qemu:///system", same: "qemu:///system?socket=/tmp/x/sock", sockets: []string{"/tmp/x/sock"}},
		{uri: "qemu+ssh://me@LAB1:2222/system?keyfile=/k", transport: "ssh", driver: "qemu:///system", same: "qemu://lab1/system",
			sockets: []string{"/var/run/libvirt/libvirt-sock", "/var/run/libvirt/virtqemud-sock"}},
		{uri: "qemu+tls://lab1/system?pkipath=/p", transport: "tls", driver: "qemu:///system", same: "qemu://lab1/system",
			sockets: []string{"/var/run/libvirt/libvirt-sock", "/var/run/libvirt/virtqemud-sock"}},
		{uri: "qemu://lab1/system", transport: "tls", driver: "qemu:///system", same: "qemu://lab1/system",
			sockets: []string{"/var/run/libvirt/libvirt-sock", "/var/run/libvirt/virtqemud-sock"}},
		{uri: "qemu+ssh://[fe80::1]/system", transport: "ssh", driver: "qemu:///system", same: "qemu://fe80::1/system",
			sockets: []string{"/var/run/libvirt/libvirt-sock", "/var/run/libvirt/virtqemud-sock"}},
		{uri: "test+unix:///default?socket=/s", transport: "unix", driver: "test:///default", same: "test:///default?socket=/s", sockets: []string{"/s"}},

		{uri: "qemu+ssh://me:s3cret@lab1/system", fails: "a password in it"},
		{uri: "qemu+tcp://lab1/system", fails: `"tcp" is none of`},
		{uri: "qemu+ssh:///system", fails: "it has no host"},
		{uri: "qemu+unix://lab1/system", fails: "for this machine"},
		{uri: "qemu+ssh://-oProxyCommand=x/system", fails: "no name or address"},
		{uri: "qemu+ssh://a/system?socket=$(x)", fails: "no absolute path"},
		{uri: "qemu+ssh://a/system?no_verify=1", fails: `"no_verify" is none of socket, keyfile, command`},
		{uri: "qemu+ssh://a/sys'tem", fails: "none that a daemon has"},
		{uri: "qemu+tls://me@a/system", fails: "the user"},
		{uri: "qemu", fails: "no URI of libvirt's"},
		{uri: "qemu:///", fails: "no URI of libvirt's"},
		{uri: "qemu:///system?socket=/a&socket=/b", fails: "not there once"},
		{uri: "://", fails: "no URI"},
	} {
		p, err := parsePlace(test.uri)
		if test.fails != "" {
			if err == nil || !strings.Contains(err.Error(), test.fails) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%s: %v; want an error with %q", test.uri, err, test.fails)
			}
			continue
		}
		if err != nil || p.transport != test.transport || p.driver != test.driver || p.same() != test.same || !slices.Equal(p.sockets, test.sockets) {
			t.Errorf("%s: %+v, same %q, %v; want %+v", test.uri, p, p.same(), err, test)
		}
	}
}

// FuzzPlace: what a shell on the host gets of a URI has nothing that it takes for itself, and no argument becomes an option.
func FuzzPlace(f *testing.F) {
	f.Add("qemu+ssh://me@lab1:22/system?socket=/run/x&keyfile=/k")
	f.Add("qemu+ssh://-x/system")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePlace(text)
		if err != nil {
			return
		}
		if strings.HasPrefix(p.host, "-") || strings.HasPrefix(p.user, "-") {
			t.Errorf("%q: host %q, user %q", text, p.host, p.user)
		}
		if p.transport == "ssh" {
			if script := remoteScript(p); strings.ContainsAny(strings.Join(p.sockets, "")+p.driver, "'\"`$\\;&|<>\n ") {
				t.Errorf("%q: %s", text, script)
			}
		}
	})
}
