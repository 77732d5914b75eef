// Package access is how a machine's WinRM is reached: the keys by which a target says where it answers, as whom to log on and
// what proves that it is the right one, and the endpoint that comes of them. Kinds of machines add these keys to their own:
// Access where the target knows the address, Service where the provider finds it.
package access

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"wskharness/remote"
	"wskharness/settings"
	"wskharness/strictyaml"
)

// Access is what a target says of a machine that somebody else has set up.
type Access struct {
	Login
	URL string
}

// Table is the keys, read into a.
func (a *Access) Table() settings.Table {
	keys := a.Login.Table()
	keys.Keys = append(keys.Keys[:1:1], append([]settings.Key{{
		Name: "url", Doc: "https://HOST[:PORT][/wsman], or http; WinRM's own ports unless given.", Must: "url: such as https://10.0.0.5:5986/wsman",
		Value: settings.Value{Schema: settings.Pattern(`^[hH][tT][tT][pP][sS]?://[^@?# ]+$`), Read: a.readURL},
	}}, keys.Keys[1:]...)...)
	return keys
}

func (a *Access) readURL(r *settings.Reader, n *strictyaml.Node, _ string) {
	if whole, ok := readURL(r.Reporter, n); ok {
		a.URL = whole
	}
}

// Check reports what does not go together.
func (a *Access) Check(r *settings.Reader, given settings.Given) {
	where := given["url"]
	a.check(r, given, where, where != nil && strings.HasPrefix(strings.ToLower(where.Text), "http://"))
}

// Address is the host and the port, by which two targets are seen to be one machine.
func (a *Access) Address() string {
	u, err := url.Parse(a.URL)
	if err != nil {
		return a.URL
	}
	return strings.ToLower(u.Host)
}

// Endpoint resolves the references. The secret itself is in no message.
func (a *Access) Endpoint(getenv func(string) string) (remote.Endpoint, error) {
	return a.At(a.URL, getenv)
}

// Service is what a target says of the WinRM of a machine whose address its provider finds.
type Service struct {
	Login
	Port      int    `json:"port"`      // in the guest
	Transport string `json:"transport"` // "https" or "http"
}

// Table is the keys, read into s.
func (s *Service) Table() settings.Table {
	s.Transport = "https"
	keys := s.Login.Table()
	keys.Keys = append(keys.Keys,
		settings.Key{Name: "transport", Doc: "What the guest's WinRM is spoken over; https unless given.", Value: settings.Word(&s.Transport, "https", "http")},
		settings.Key{Name: "port", Doc: "The port of the guest's WinRM; its own (5986, 5985) unless given.", Value: settings.Integer(&s.Port, 1, 65535)},
	)
	return keys
}

// Check reports what does not go together, and fills in the port.
func (s *Service) Check(r *settings.Reader, given settings.Given) {
	if s.Port == 0 {
		s.Port, _ = strconv.Atoi(winrmPorts[s.Transport]) // both are numbers
	}
	s.check(r, given, given["transport"], s.Transport == "http")
}

// Endpoint is the service at a host and a port, which is not the guest's own where it is forwarded.
func (s *Service) Endpoint(host string, port int, getenv func(string) string) (remote.Endpoint, error) {
	return s.At(fmt.Sprintf("%s://%s/wsman", s.Transport, net.JoinHostPort(host, strconv.Itoa(port))), getenv)
}
