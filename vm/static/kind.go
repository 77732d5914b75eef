package static

import (
	"cmp"
	"fmt"
	"time"

	"wskharness/child"
	"wskharness/settings"
	"wskharness/vm"
	"wskharness/vm/access"
)

// Kind is the machine that is just there.
func Kind() vm.Kind { return vm.Kind{Name: "static", Form: form} }

// bootLimit is how long a machine may take to boot of which its target does not say it.
const bootLimit = 10 * time.Minute

// target is what a target says.
type target struct {
	access.Access
	reset       []string      // a program of this machine, with its arguments, that turns it off and on; may be empty
	resetEnv    []string      // environment variables that this program gets beyond what every one gets
	resetWithin time.Duration // how long it may take until it is up again; zero: bootLimit
}

func form() vm.Form {
	t := &target{}
	keys := t.Table()
	keys.Doc = "A machine that answers WinRM. It is never reverted by the harness, but rebooted where nothing else helps."
	keys.Keys = append(keys.Keys,
		settings.Key{Name: "reset", Doc: "A program here, with its arguments, that turns the machine off and on.", Value: settings.Command(&t.reset)},
		settings.Key{Name: "reset_env", Doc: "Environment variables that this program gets beyond what every program gets; none that is a password_env.",
			Beside: []settings.Rule{{Key: "reset", Want: "reset: [the program, its arguments] beside it"}}, Value: settings.Variables(&t.resetEnv)},
		settings.Key{Name: "reset_within", Doc: "How long the machine may take to be up again.", Value: settings.Duration(&t.resetWithin, settings.LongestTime)},
	)
	return vm.Form{Keys: keys, Define: t.define}
}

func (t *target) define(r *settings.Reader, given settings.Given) vm.Definition {
	t.Check(r, given)
	return vm.Definition{
		Description: fmt.Sprintf("%s as %s", t.URL, t.User), Provider: t.provider, Shared: t.Address(),
		BootWithin: cmp.Or(t.resetWithin, bootLimit), Endpoint: t.Endpoint, Secrets: t.Secrets(),
	}
}

func (t *target) provider(h vm.Host) (vm.Provider, error) {
	endpoint, err := t.Endpoint(h.Getenv)
	if err != nil {
		return nil, err
	}
	return New(Options{
		Endpoint: endpoint, Reset: t.reset, Environment: child.Environment{Also: t.resetEnv, Never: h.Never}, Redactor: h.Redactor, Logger: h.Logger,
	})
}
