package power

import (
	"errors"
	"net"
	"regexp"
	"slices"
	"time"

	"wskharness/settings"
	"wskharness/strictyaml"
	"wskharness/vm"
	"wskharness/vm/access"
)

// Settings are what a target says of its power. They have references to secrets, and none.
type Settings struct {
	way    string // the key that the target has: "power", "redfish", "ipmi", or none
	within time.Duration

	on, off, reset, nmi, status []string
	env                         []string

	login       access.Login
	host        string
	port        int
	system      string
	auth        string
	cipherSuite int
	privilege   string
}

// Keys are the keys of a target, of which it has one at most.
func (s *Settings) Keys() []settings.Key {
	return []settings.Key{
		{Name: "power", Doc: "Programs here that turn the machine on and off.", Value: s.nested("power", s.hookTable(), s.checkHooks)},
		{Name: "redfish", Doc: "Its management controller's Redfish service turns it on and off.", Without: []settings.Rule{{Key: "power"}},
			Value: s.nested("redfish", s.redfishTable(), nil)},
		{Name: "ipmi", Doc: "Its management controller turns it on and off, by IPMI 2.0 (it takes the program ipmitool).",
			Without: []settings.Rule{{Key: "power"}, {Key: "redfish"}}, Value: s.nested("ipmi", s.ipmiTable(), nil)},
	}
}

func (s *Settings) nested(way string, table settings.Table, check func(*settings.Reader, settings.Given)) settings.Value {
	value := settings.Nested(table, check)
	read := value.Read
	value.Read = func(r *settings.Reader, n *strictyaml.Node, what string) {
		s.way = way
		read(r, n, what)
	}
	return value
}

// hookTable has no keys on and off, which YAML 1.1 takes for true and false.
func (s *Settings) hookTable() settings.Table {
	const program = "A program here, with its arguments, that "
	return settings.Table{
		Doc:    "Programs of this machine. Each ends with 0 where it did what it is for.",
		Choice: &settings.Choice{Names: []string{"reset", "turn_on", "turn_off", "nmi"}, Want: "reset: [the program, its arguments]", Says: "program that does something"},
		Keys: []settings.Key{
			{Name: "reset", Doc: program + "turns the machine off and on.", Value: settings.Command(&s.reset)},
			{Name: "turn_on", Doc: program + "turns it on.", Value: settings.Command(&s.on)},
			{Name: "turn_off", Doc: program + "turns it off, at once.", Value: settings.Command(&s.off)},
			{Name: "status", Doc: program + "tells whether it is on: its last word is on or off.", Value: settings.Command(&s.status)},
			{Name: "nmi", Doc: program + "makes a Windows that hangs write its dump.", Value: settings.Command(&s.nmi)},
			{Name: "env", Doc: "Environment variables that these get beyond what every program gets; none that is a password_env.", Value: settings.Variables(&s.env)},
			s.withinKey(),
		},
	}
}

// checkHooks reports a program that is missing beside another.
func (s *Settings) checkHooks(r *settings.Reader, given settings.Given) {
	if n := given["turn_off"]; n != nil && given["turn_on"] == nil {
		r.At(n, "turn_on: [the program, its arguments] beside it", "turn_off without turn_on: the machine would stay off")
	}
}

func (s *Settings) withinKey() settings.Key {
	return settings.Key{Name: "within", Doc: "How long one of these steps may take; 2m unless given.", Value: settings.Duration(&s.within, settings.LongestTime)}
}

// loginTable is those keys of a login that a management controller has, and where it is.
func (s *Settings) loginTable(names ...string) settings.Table {
	table := s.login.Table()
	table.Choice = &settings.Choice{Names: []string{"password_env", "password_file", "password"}, Says: "password",
		Want: "password_env: NAME of an environment variable, or password_file: PATH"}
	table.Keys = slices.DeleteFunc(table.Keys, func(k settings.Key) bool { return !slices.Contains(names, k.Name) })
	table.Keys = append([]settings.Key{
		{Name: "host", Doc: "The management controller's address, or its name.", Must: "host: the management controller's address", Value: settings.Value{
			Schema: settings.Pattern(hostName.String()), Read: s.readHost}},
		{Name: "port", Value: settings.Integer(&s.port, 1, 65535)},
	}, append(table.Keys, s.withinKey())...)
	return table
}

// hostName is an address or a name: no URL, no port, nothing that a program could take for an option.
var hostName = regexp.MustCompile(`^[A-Za-z0-9:]([A-Za-z0-9.:%_-]{0,252}[A-Za-z0-9])?$`)

func (s *Settings) readHost(r *settings.Reader, n *strictyaml.Node, what string) {
	text, ok := r.Line(n, what)
	if !ok {
		return
	}
	if !hostName.MatchString(text) || slices.Contains([]byte(text), ':') && net.ParseIP(text) == nil {
		r.At(n, "an address or a name, such as 10.0.0.6; a port beside it, as port:", "%s is %s", what, n.Describe())
		return
	}
	s.host = text
}

func (s *Settings) redfishTable() settings.Table {
	s.auth = "session"
	table := s.loginTable("user", "password_env", "password_file", "password", "certificate_sha256", "ca_file", "server_name")
	table.Keys = append(table.Keys,
		settings.Key{Name: "auth", Doc: "How to log on; basic for a service that makes no sessions.", Value: settings.Word(&s.auth, "session", "basic")},
		settings.Key{Name: "system", Doc: "The Id of the system, where the service has several.", Value: settings.Text(&s.system)})
	return table
}

func (s *Settings) ipmiTable() settings.Table {
	s.cipherSuite, s.privilege = -1, "administrator"
	table := s.loginTable("user", "password_env", "password_file", "password")
	table.Keys = append(table.Keys,
		settings.Key{Name: "cipher_suite", Doc: "3 or 17, where the controller does not tell which it has.", Value: settings.Integer(&s.cipherSuite, 0, 17)},
		settings.Key{Name: "privilege", Doc: "What to log on as.", Value: settings.Word(&s.privilege, "administrator", "operator")})
	return table
}

// Secrets are those of the management controller's login.
func (s *Settings) Secrets() vm.Secrets {
	if s.way == "redfish" || s.way == "ipmi" {
		return s.login.Secrets()
	}
	return vm.Secrets{}
}

// Check says why a program can't be started that the target names, nil where all can.
func (s *Settings) Check() error {
	var problems []error
	if s.way == "ipmi" {
		problems = append(problems, s.ipmitool(vm.Host{}).Check())
	}
	for _, words := range [][]string{s.reset, s.on, s.off, s.status, s.nmi} {
		if len(words) > 0 {
			problems = append(problems, (&Program{Words: words}).Check())
		}
	}
	return errors.Join(problems...)
}
