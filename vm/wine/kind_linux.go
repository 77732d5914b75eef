package wine

import (
	"context"
	"errors"
	"os"

	"github.com/hashicorp/go-hclog"

	"wskharness/vm"
)

func onThisSystem() vm.Kind {
	return vm.Kind{
		Checks: checks, List: list, Sweep: sweep, Kept: kept,
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
