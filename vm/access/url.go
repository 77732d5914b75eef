package access

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"wskharness/strictyaml"
)

// WinRM's own ports, not the web's.
var winrmPorts = map[string]string{"https": "5986", "http": "5985"}

const wantURL = "a URL such as https://10.0.0.5:5986/wsman"

// address is a URL that is read piece by piece, from its left to its right: what is wrong is told at its own column.
type address struct {
	r    *strictyaml.Reporter
	node *strictyaml.Node
	text string
	good bool
}

// wrong reports a mistake at a byte of the text. What it says never repeats a part in which a password could be.
func (a *address) wrong(at int, want, format string, args ...any) {
	a.good = false
	a.r.At(a.node.Within(utf8.RuneCountInString(a.text[:at])), want, format, args...)
}

// readURL reads scheme://host[:port][/path]; the port and the path are WinRM's own where they are not there.
func readURL(r *strictyaml.Reporter, n *strictyaml.Node) (address string, ok bool) {
	text, ok := r.Line(n, "url")
	if !ok {
		return "", false
	}
	return splitURL(r, n, text)
}

func splitURL(r *strictyaml.Reporter, n *strictyaml.Node, text string) (whole string, ok bool) {
	a := &address{r: r, node: n, text: text, good: true}
	scheme, rest, found := strings.Cut(text, "://")
	if !found || strings.ContainsAny(scheme, "/?#@[]: ") {
		a.wrong(0, wantURL, "the url does not begin with https:// or http://")
		return "", false
	}
	if scheme = strings.ToLower(scheme); winrmPorts[scheme] == "" {
		a.wrong(0, "https or http", "the url's scheme is %q", scheme)
	}
	begins := len(text) - len(rest)
	if strings.Contains(rest, "@") {
		a.wrong(begins, "user and password_env beside it", "the url has a user in it")
		return "", false
	}
	ends := len(text)
	if at := strings.IndexAny(rest, `/?#\`); at >= 0 {
		ends = begins + at
	}
	authority := a.authority(begins, ends, scheme)
	path := a.path(ends)
	return scheme + "://" + authority + path, a.good
}

// authority reads host[:port] between two bytes of the text.
func (a *address) authority(begins, ends int, scheme string) string {
	part := a.text[begins:ends]
	host, port, portAt := part, "", -1
	if strings.HasPrefix(part, "[") {
		end := strings.IndexByte(part, ']')
		if end < 0 {
			a.wrong(begins, "] behind the IPv6 address", "the [ that opens here is not closed")
			return ""
		}
		host = part[:end+1]
		switch rest := part[end+1:]; {
		case strings.HasPrefix(rest, ":"):
			port, portAt = rest[1:], begins+end+2
		case rest != "":
			a.wrong(begins+end+1, "a colon and a port, or /wsman", "something follows the address in the url: %q", rest)
		}
	} else if at := strings.LastIndexByte(part, ':'); at >= 0 {
		host, port, portAt = part[:at], part[at+1:], begins+at+1
		if strings.Contains(host, ":") {
			a.wrong(begins, "brackets around an IPv6 address, as in https://[fe80::1]:5986/wsman", "the url's host has colons in it")
			return ""
		}
	}
	a.host(host, begins)
	if portAt < 0 {
		port = winrmPorts[scheme]
	} else {
		a.port(port, portAt, scheme)
	}
	if strings.HasPrefix(host, "[") {
		return host + ":" + port // a zone is the name of an interface, in which case counts
	}
	return strings.ToLower(host) + ":" + port
}

func (a *address) port(port string, at int, scheme string) {
	own := winrmPorts[scheme]
	if own == "" {
		own = winrmPorts["https"]
	}
	number, err := strconv.ParseUint(port, 10, 16)
	switch want := "a port from 1 to 65535, such as " + own; {
	case port == "":
		a.wrong(at, want+", or no colon", "the url has a colon, but no port behind it")
	case err != nil || number == 0 || port[0] == '0' || port[0] == '+':
		a.wrong(at, want, "the url's port is %q", port)
	}
}

var (
	hostLabel  = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$`)
	zoneName   = regexp.MustCompile(`^[A-Za-z0-9._-]{1,15}$`) // of an interface of Linux: IFNAMSIZ
	numberLike = regexp.MustCompile(`^([0-9]+|0[xX][0-9a-fA-F]*)$`)
)

// host reads an IPv4 address, an IPv6 address in brackets, or a name.
func (a *address) host(host string, at int) {
	switch {
	case host == "":
		a.wrong(at, wantURL, "the url has no host")
	case host[0] == '[':
		a.ipv6(host[1:len(host)-1], at+1)
	default:
		a.hostName(host, at)
	}
}

func (a *address) ipv6(text string, at int) {
	text, zone, zoned := strings.Cut(text, "%")
	ip, err := netip.ParseAddr(text)
	switch {
	case err != nil || !ip.Is6():
		a.wrong(at, "an IPv6 address in the brackets, such as fe80::1", "the url's host is %q", text)
	case ip.IsUnspecified() || ip.IsMulticast():
		a.wrong(at, "the address of one machine", "the url's host is %s", text)
	case zoned && !strings.HasPrefix(zone, "25"):
		a.wrong(at+len(text), "%25 before the zone, which is how a URL has a % (RFC 6874)", "the url's zone begins with %%")
	case zoned && !zoneName.MatchString(zone[2:]):
		a.wrong(at+len(text)+3, "the name of a network interface", "the url's zone is %q", zone[2:])
	}
}

func (a *address) hostName(host string, at int) {
	labels := strings.Split(strings.TrimSuffix(host, "."), ".")
	if numberLike.MatchString(labels[len(labels)-1]) {
		switch ip, err := netip.ParseAddr(host); {
		case err != nil:
			a.wrong(at, "four numbers from 0 to 255 without leading zeros, such as 10.0.0.5", "the url's host is %q, which is no address", host)
		case ip.IsUnspecified() || ip.IsMulticast():
			a.wrong(at, "the address of one machine", "the url's host is %s", host)
		}
		return
	}
	for i := range host {
		if host[i] >= utf8.RuneSelf {
			want := "its name in ASCII, which begins with xn--"
			if ascii, err := idna.Lookup.ToASCII(host); err == nil {
				want = ascii
			}
			a.wrong(at, want, "the url's host is %q", host)
			return
		}
	}
	if len(host) > 253 {
		a.wrong(at, "at most 253 characters", "the url's host has %d", len(host))
		return
	}
	for _, label := range labels {
		if !hostLabel.MatchString(label) {
			a.wrong(at, "a name of 1 to 63 letters, digits, '-' and '_' between its dots, or an address", "the url's host has %q in it", label)
		}
		at += len(label) + 1
	}
}

// pathChar are the characters that a path may have as they are, and %xx (RFC 3986, pchar).
var pathChar = regexp.MustCompile(`^([A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})`)

// path reads what follows the host.
func (a *address) path(at int) string {
	text := a.text[at:]
	if text == "" || text == "/" {
		return "/wsman"
	}
	for i := 0; i < len(text); {
		rest := text[i:]
		switch found := pathChar.FindString(rest); {
		case found != "":
			i += len(found)
			continue
		case rest[0] == '\\':
			a.wrong(at+i, "/", `the url has a \ in it`)
		case rest[0] == '?':
			a.wrong(at+i, "nothing behind the path", "the url has a query")
		case rest[0] == '#':
			a.wrong(at+i, "nothing behind the path; in YAML a comment has a blank before its #", "the url has a fragment")
		case rest[0] == '%':
			a.wrong(at+i, "% and two hexadecimal digits", "the url has a %% that is none of these")
		default:
			char, _ := utf8.DecodeRuneInString(rest)
			a.wrong(at+i, fmt.Sprintf("its bytes as %%xx: %s", percent(char)), "the url's path has %q in it", char)
		}
		break
	}
	return text
}

// percent writes a character as a URL has it.
func percent(char rune) string {
	var b strings.Builder
	for _, one := range []byte(string(char)) {
		fmt.Fprintf(&b, "%%%02X", one)
	}
	return b.String()
}
