package hyperv

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"runtime"
	"strings"
	"time"

	"wskharness/settings"
	"wskharness/strictyaml"
	"wskharness/vm"
	"wskharness/vm/access"
)

// Kind is a virtual machine of Hyper-V, on this machine or on another.
func Kind() vm.Kind {
	return vm.Kind{Name: "hyperv", Form: form, Checks: checks, List: list, Sweep: sweep}
}

// target is what a target says.
type target struct {
	access.Service
	host       access.Access // no URL: this machine
	vm         string
	checkpoint string
	address    string
	bootWithin time.Duration
}

// wantHost is what a host may be.
const wantHost = "local, or {url: https://HOST:5986, user: …, password_env: …}"

func form() vm.Form {
	t := &target{}
	keys := t.Service.Table()
	keys.Doc = "A virtual machine of Hyper-V, on this machine or on another. It is turned off, and restored from its checkpoint, whenever a run begins."
	hostKeys := t.host.Table()
	keys.Keys = append(keys.Keys,
		settings.Key{Name: "host", Doc: "Where Hyper-V is: local, this machine; or how its host is reached over WinRM.", Must: "host: " + wantHost, Value: t.hostValue(hostKeys)},
		settings.Key{Name: "vm", Doc: "The VM, by its name there, or by its id where several have that.", Must: "vm: its name, as Get-VM has it", Value: settings.Text(&t.vm)},
		settings.Key{Name: "checkpoint", Doc: "The checkpoint that is its clean state, by name or id. A standard one of a running VM is back within seconds; from a production one it boots.",
			Must: "checkpoint: its name, as Get-VMSnapshot has it", Value: settings.Text(&t.checkpoint)},
		settings.Key{Name: "address", Doc: "The guest's name or address; the host is asked for it unless given.",
			Value: settings.Value{Schema: settings.Pattern(addressForm), Read: t.readAddress}},
		settings.Key{Name: "boot_within", Doc: "How long it may take until WinRM answers; 10m unless given.", Value: settings.Duration(&t.bootWithin, settings.LongestTime)},
	)
	return vm.Form{Keys: keys, Define: t.define}
}

// hostValue is a word or a mapping.
func (t *target) hostValue(keys settings.Table) settings.Value {
	nested := settings.Nested(keys, t.host.Check)
	return settings.Value{
		Schema: settings.Object{"oneOf": []any{settings.Object{"const": "local"}, nested.Schema}},
		Read: func(r *settings.Reader, n *strictyaml.Node, what string) {
			switch {
			case n.Kind == strictyaml.MappingKind:
				nested.Read(r, n, what)
			case n.Text != "local":
				r.At(n, wantHost, "%s is %s", what, n.Describe())
			}
		},
	}
}

// addressForm is a name, or an address of IPv4 or IPv6, without a port.
const addressForm = `^[A-Za-z0-9_.:%-]{1,253}$`

var addressPattern = regexp.MustCompile(addressForm)

func (t *target) readAddress(r *settings.Reader, n *strictyaml.Node, what string) {
	text, ok := r.Line(n, what)
	if ok && (!addressPattern.MatchString(text) || strings.Count(text, ":") == 1) {
		r.At(n, "a name or an address, without a port, which port: says", "%s is %s", what, n.Describe())
	}
	t.address = text
}

func (t *target) define(r *settings.Reader, given settings.Given) vm.Definition {
	t.Service.Check(r, given)
	where := place{URL: t.host.URL, Login: t.host.Login}
	return vm.Definition{
		Description: fmt.Sprintf("VM %s on %s from checkpoint %s as %s", t.vm, where, t.checkpoint, t.User),
		Provider:    t.provider, Shared: "hyperv:" + where.String() + "/" + strings.ToLower(t.vm),
		BootWithin: cmp.Or(t.bootWithin, bootLimit), Secrets: t.secrets(),
	}
}

// secrets are the guest's and its host's.
func (t *target) secrets() vm.Secrets {
	guest := t.Service.Secrets()
	if t.host.URL == "" {
		return guest
	}
	return guest.With(t.host.Login.Secrets())
}

func (t *target) provider(h vm.Host) (vm.Provider, error) {
	if _, err := t.Service.Endpoint("127.0.0.1", t.Port, h.Getenv); err != nil { // its password is not there
		return nil, err
	}
	if t.host.URL != "" {
		if _, err := t.host.Endpoint(h.Getenv); err != nil {
			return nil, err
		}
	}
	return newProvider(options{
		Host: h, URL: t.host.URL, Login: t.host.Login, VM: t.vm, Checkpoint: t.checkpoint, Service: t.Service, Address: t.address, BootWithin: t.bootWithin,
	}), nil
}

// checkLimit is how long this machine may take to say whether it has Hyper-V.
const checkLimit = time.Minute

// checks look for Hyper-V on this machine, where it can be: hosts elsewhere need nothing here.
func checks(ctx context.Context, _ bool) []vm.Check {
	if runtime.GOOS != "windows" {
		return nil
	}
	host, closing, err := place{}.open(vm.Host{}, "")
	if err != nil {
		return nil
	}
	defer closing()
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	return []vm.Check{checkHost(ctx, host)}
}
