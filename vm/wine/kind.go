package wine

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/go-hclog"

	"wskharness/driver"
	"wskharness/settings"
	"wskharness/strictyaml"
	"wskharness/vm"
)

// Kind is the guest that needs no Windows.
func Kind() vm.Kind {
	return vm.Kind{
		Name: "wine", Form: form, Checks: checks, List: list, Sweep: sweep, Kept: kept,
		Roles: []vm.Role{{Name: role, Run: serveRole}},
	}
}

// role is what this program is called to be when it is to serve the guest in a folder.
const role = "wine-guest"

// readyFD is where the provider waits to be told that the guest is up.
const readyFD = 3

func serveRole(ctx context.Context, args []string, logger hclog.Logger) error {
	return Serve(ctx, args[0], os.NewFile(readyFD, "ready"), ServeOptions{Logger: logger})
}

func list(_ context.Context, h vm.Host) ([]vm.Guest, error) {
	up, err := List(h.Cache)
	var all []vm.Guest
	for i := range up {
		all = append(all, &up[i])
	}
	return all, err
}

func sweep(_ context.Context, h vm.Host) ([]string, error) {
	swept, err := Sweep(h.Cache)
	for i, dir := range swept {
		swept[i] = "what was left in " + dir
	}
	return swept, err
}

// target is what a target says.
type target struct {
	netio string // a netio.sys to use instead of Wine's own; empty: Wine's own, or the model
	model bool   // the model of the harness (driver/model) instead of Wine's own
	// control says that netio can be controlled as the model is (driver/include/wskcontrol.h).
	control bool
	// defines are preprocessor names for building the model: see driver/model/defects.h.
	defines map[string]string
}

func form() vm.Form {
	t := &target{}
	return vm.Form{
		Define: t.define,
		Keys: settings.Table{
			Doc: "A guest that needs no Windows.",
			Keys: []settings.Key{
				{Name: "netio", Doc: "`builtin`; `model`, which behaves as documented; or the path of a netio.sys to use instead of Wine's own.",
					Value: settings.Value{Schema: settings.Refer("text"), Read: t.readNetio}},
				{Name: "control", Doc: "That netio.sys of your own exports what provider steps control it by: docs/provider.md.", Value: settings.Bool(&t.control)},
				{Name: "model_defines", Doc: "Preprocessor names for building the model, such as a defect of it; with `netio: model`.", Value: settings.Defines(&t.defines)},
			},
		},
	}
}

func (t *target) readNetio(r *settings.Reader, n *strictyaml.Node, what string) {
	switch n.Text {
	case "builtin":
	case "model":
		t.model = true
	default:
		t.netio = r.FilePath(n, what)
	}
}

func (t *target) define(r *settings.Reader, given settings.Given) vm.Definition {
	if n := given["control"]; n != nil && t.netio == "" {
		r.At(n, "netio: and the path of a netio.sys of your own beside it", "control of a target without a provider of your own")
	}
	if n := given["model_defines"]; n != nil && !t.model {
		r.At(n, "netio: model beside it", "model_defines of a target without the model")
	}
	d := vm.Definition{Guest: "wine", Provider: t.provider, Builds: map[string]driver.Spec{buildHost: hostSpec()}}
	switch {
	case t.model:
		label := "wskharness's model netio.sys"
		if len(t.defines) > 0 {
			label += " with " + strings.Join(settings.Defined(t.defines), ", ")
		}
		d.Description = label
		d.Builds[buildModel] = driver.ModelSpec(t.defines)
		d.Stack = vm.Stack{Word: "model", Label: label, Issues: "model", Documented: true, Controllable: true}
	case t.netio != "":
		d.Description = "netio.sys from " + settings.DisplayPath(t.netio)
		if t.control {
			d.Description += ", which can be controlled"
		}
		d.Check = t.checkNetio
		name := filepath.Base(t.netio)
		d.Stack = vm.Stack{Word: name, Label: "netio.sys from " + name, Issues: "netio:" + name, Documented: true, Controllable: t.control}
	default:
		d.Description = "Wine's own netio.sys"
		d.Stack = vm.Stack{Word: "builtin"}
	}
	return d
}

// What is built for a guest.
const (
	buildHost  = "winrshost.exe"
	buildModel = "netio.sys"
)

func (t *target) provider(h vm.Host) (vm.Provider, error) {
	netio := t.netio
	if t.model {
		netio = h.Built[buildModel]
	}
	return New(Options{
		Root: h.Cache, Serve: append(h.Program[:len(h.Program):len(h.Program)], role), Host: h.Built[buildHost], Seed: h.Seed,
		Netio: netio, Never: h.Never, Logger: h.Logger, Tell: h.Tell,
	})
}

// checks look for Wine, and tell what a driver on a guest can reach of this machine.
func checks(ctx context.Context, needed bool) []vm.Check {
	software := vm.Check{Name: "Wine", Needed: needed}
	found, err := Find(ctx)
	if missing, ok := errors.AsType[*MissingError](err); ok {
		software.Detail, software.Fix = missing.Why, missing.Install
	} else if err != nil {
		software.Detail = err.Error()
	} else {
		software.OK, software.Detail = true, found.Version+", "+found.Loader
	}
	confined := lookForConfinement(ctx)
	confinement := vm.Check{Name: "Wine confinement", OK: confined.whole(), Detail: confined.String()}
	if !confinement.OK {
		confinement.Fix = "run drivers that you don't trust elsewhere, or as another user"
		if confined.Bubblewrap == "" {
			confinement.Fix = "apt-get install --no-install-recommends bubblewrap, where user namespaces are allowed; else " + confinement.Fix
		}
	}
	return []vm.Check{software, confinement}
}
