package power

import (
	"net"
	"net/http"
	"net/url"
	"strconv"

	"wskharness/child"
	"wskharness/remote"
	"wskharness/settings"
	"wskharness/vm"
)

// Control is the machine's power; nil where the target says nothing of it. It connects to nothing.
func (s *Settings) Control(h vm.Host) (*Control, error) {
	switch s.way {
	case "power":
		return newControl(s.hooks(h), s.within), nil
	case "redfish":
		by, err := s.redfish(h)
		return newControl(by, s.within), err
	case "ipmi":
		by, err := s.ipmi(h)
		return newControl(by, s.within), err
	}
	return nil, nil
}

func (s *Settings) hooks(h vm.Host) *hooks {
	program := func(words []string) *Program {
		if len(words) == 0 {
			return nil
		}
		return &Program{Words: words, Environment: child.Environment{Also: s.env, Never: h.Never}, Redactor: h.Redactor, Logger: h.Logger}
	}
	all := &hooks{programs: map[Action]*Program{}, status: program(s.status)}
	for action, words := range map[Action][]string{On: s.on, Off: s.off, Reset: s.reset, NMI: s.nmi} {
		if p := program(words); p != nil {
			all.programs[action] = p
		}
	}
	return all
}

// endpoint resolves the references of a management controller's login.
func (s *Settings) endpoint(h vm.Host, port int, auth remote.Auth) (remote.Endpoint, *url.URL, error) {
	if s.port != 0 {
		port = s.port
	}
	where := &url.URL{Scheme: "https", Host: net.JoinHostPort(s.host, strconv.Itoa(port))}
	login := s.login
	login.Auth = string(auth)
	e, err := login.At(where.String(), h.Getenv)
	return e, where, err
}

func (s *Settings) redfish(h vm.Host) (*redfish, error) {
	auth := remote.AuthNTLM // as which the name and the password may have any characters
	if s.auth == "basic" {
		auth = remote.AuthBasic
	}
	e, where, err := s.endpoint(h, 443, auth)
	if err != nil {
		return nil, err
	}
	return &redfish{system: s.system, service: redfishService{
		url: where, user: e.User, password: e.Password, basic: s.auth == "basic", client: redfishClient(e),
	}}, nil
}

// redfishClient speaks to the service that the endpoint's certificate is of, and to no proxy. It follows no redirection: the
// service's own links say where everything is.
func redfishClient(e remote.Endpoint) *http.Client {
	return &http.Client{
		Transport:     &http.Transport{TLSClientConfig: remote.TLSConfig(e), MaxResponseHeaderBytes: 64 << 10},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (s *Settings) ipmi(h vm.Host) (*ipmi, error) {
	e, _, err := s.endpoint(h, 623, remote.AuthNTLM)
	if err != nil {
		return nil, err
	}
	if len(e.Password) > maxIPMIPassword {
		return nil, settings.Usagef("the password for IPMI has more than %d bytes, which IPMI 2.0 can't have", maxIPMIPassword)
	}
	by := &ipmi{tool: *s.ipmitool(h), host: s.host, port: 623, user: e.User, password: e.Password}
	by.tool.Redactor = h.Redactor.With(e.Password)
	if s.port != 0 {
		by.port = s.port
	}
	if s.cipherSuite >= 0 {
		by.cipherSuite = strconv.Itoa(s.cipherSuite)
	}
	if s.privilege == "operator" {
		by.privilege = "OPERATOR"
	}
	return by, nil
}

func (s *Settings) ipmitool(h vm.Host) *Program {
	return &Program{Words: []string{ipmitool}, Environment: child.Environment{Never: h.Never}, Logger: h.Logger,
		Install: "install it (Debian: apt-get install ipmitool), or use redfish, or programs of your own (power)"}
}
