package libvirt

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// place is where a libvirt daemon answers, made of a URI in libvirt's own form (https://libvirt.org/uri.html).
type place struct {
	uri       string // as it was written
	transport string // "unix", "ssh" or "tls"
	driver    string // what the daemon is asked for: qemu:///system
	user      string // ssh's; empty: ssh's configuration decides
	host      string // empty: this machine
	port      string // empty: the transport's own
	sockets   []string
	keyFile   string // ssh's
	command   string // the program to call for ssh
	pki       string // folder of clientcert.pem, clientkey.pem and cacert.pem
}

// What follows the host in a command line, or a path in a shell's there, has nothing that a shell takes for itself.
var (
	schemeForm = regexp.MustCompile(`^([a-z]+)(\+([a-z0-9]+))?$`)
	hostForm   = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9._:%-]*[A-Za-z0-9])?$`)
	userForm   = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._@\\-]*$`)
	plainPath  = regexp.MustCompile(`^/[A-Za-z0-9._@%+=:,/-]*$`)
)

// parameters are what may follow the question mark, by transport.
var parameters = map[string][]string{"unix": {"socket"}, "ssh": {"socket", "keyfile", "command"}, "tls": {"pkipath"}}

// wantURI is how one is written.
const wantURI = "qemu:///system, qemu+ssh://[USER@]HOST[:PORT]/system, qemu+tls://HOST[:PORT]/system, or qemu+unix:///system?socket=PATH"

// parsePlace reads a URI. Its errors do not repeat a password that somebody has put into it.
func parsePlace(text string) (place, error) {
	u, err := url.Parse(text)
	if err != nil { // the error repeats the text
		return place{}, fmt.Errorf("it is no URI")
	}
	form := schemeForm.FindStringSubmatch(u.Scheme)
	p := place{uri: text, host: u.Hostname(), port: u.Port()}
	if u.User != nil {
		if _, has := u.User.Password(); has {
			return place{}, fmt.Errorf("it has a password in it: ssh's keys and agent, or TLS' certificates, prove who you are")
		}
		p.user = u.User.Username()
	}
	if form == nil || u.Opaque != "" || u.Path == "" || u.Path == "/" && form[1] == "qemu" || u.Fragment != "" {
		return place{}, fmt.Errorf("it is no URI of libvirt's")
	}
	p.driver, p.transport = form[1]+"://"+u.Path, form[3]
	if p.transport == "" {
		p.transport = "unix"
		if p.host != "" {
			p.transport = "tls"
		}
	}
	known, ok := parameters[p.transport]
	switch {
	case !ok:
		return place{}, fmt.Errorf("the transport %q is none of unix, ssh and tls", p.transport)
	case !plainPath.MatchString(u.Path) || path.Clean(u.Path) != u.Path:
		return place{}, fmt.Errorf("its path %q is none that a daemon has", u.Path)
	case p.transport == "unix" && (p.host != "" || p.user != ""):
		return place{}, fmt.Errorf("the transport unix is for this machine, and it has a host: +ssh or +tls reach another one")
	case p.transport != "unix" && p.host == "":
		return place{}, fmt.Errorf("the transport %s is for another machine, and it has no host", p.transport)
	case p.host != "" && !hostForm.MatchString(p.host):
		return place{}, fmt.Errorf("the host %q is no name or address", p.host)
	case p.user != "" && (p.transport != "ssh" || !userForm.MatchString(p.user)):
		return place{}, fmt.Errorf("the user %q is none of ssh's", p.user)
	}
	values, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return place{}, fmt.Errorf("what follows its question mark is garbled")
	}
	for name, value := range values {
		if !slices.Contains(known, name) {
			return place{}, fmt.Errorf("its parameter %q is none of %s, which the transport %s has here", name, strings.Join(known, ", "), p.transport)
		}
		if len(value) != 1 || value[0] == "" {
			return place{}, fmt.Errorf("its parameter %q is not there once", name)
		}
	}
	p.keyFile, p.command, p.pki = values.Get("keyfile"), values.Get("command"), values.Get("pkipath")
	return p, p.findSockets(values.Get("socket"))
}

// findSockets says where the daemon's socket is: the one daemon of old, or the one for QEMU that distributions have split off.
func (p *place) findSockets(given string) error {
	if given != "" {
		if !plainPath.MatchString(given) {
			return fmt.Errorf("its socket %q is no absolute path of plain characters", given)
		}
		p.sockets = []string{given}
		return nil
	}
	dir := "/var/run/libvirt"
	if strings.HasSuffix(p.driver, "/session") && p.transport == "unix" {
		runtime := os.Getenv("XDG_RUNTIME_DIR")
		if runtime == "" {
			runtime = filepath.Join(os.TempDir(), "runtime")
		}
		dir = path.Join(filepath.ToSlash(runtime), "libvirt")
	}
	scheme, _, _ := strings.Cut(p.driver, ":")
	p.sockets = []string{dir + "/libvirt-sock", dir + "/virt" + scheme + "d-sock"}
	return nil
}

// String is where that is, for messages.
func (p place) String() string { return p.uri }

// address is what another machine reaches the daemon's machine by; "127.0.0.1" where it is this one.
func (p place) address() string {
	if p.host == "" {
		return "127.0.0.1"
	}
	return p.host
}

// pretends reports whether the daemon's driver is libvirt's own for tests, whose domains have no consoles, and tell of no
// resets.
func (p place) pretends() bool { return strings.HasPrefix(p.driver, "test:") }

// same is the daemon by which two targets are seen to be on one, however they reach it.
func (p place) same() string {
	host, _, _ := strings.Cut(strings.ToLower(p.host), "%")
	if host == "localhost" || net.ParseIP(host).IsLoopback() {
		host = ""
	}
	scheme, rest, _ := strings.Cut(p.driver, "://")
	same := scheme + "://" + host + rest
	if p.transport == "unix" && len(p.sockets) == 1 {
		same += "?socket=" + p.sockets[0]
	}
	return same
}
