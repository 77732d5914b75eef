package hyperv

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"wskharness/remote"
	"wskharness/vm"
	"wskharness/vm/powershell"
)

// adapter is what the host knows of one of a machine's network adapters.
type adapter struct {
	MAC       string                  `json:"mac"`
	Connected bool                    `json:"connected"`
	Told      powershell.List[string] `json:"told"` // by the guest's integration services
	Seen      powershell.List[string] `json:"seen"` // by the host, in its own networks
}

// errOff is why a machine has no address.
var errOff = errors.New("it does not run")

// addresses asks the host for a machine's addresses that can be reached, best first.
func (v *virtual) addresses(ctx context.Context) (found []string, adapters []adapter, err error) {
	var answer struct {
		State    state                    `json:"state"`
		Adapters powershell.List[adapter] `json:"adapters"`
	}
	if err := v.run(ctx, "ask for the address of VM", "addresses", nil, &answer); err != nil {
		return nil, nil, err
	}
	if answer.State == stateOff || answer.State == stateSaved {
		return nil, nil, fmt.Errorf("%w: VM %s on %s is %s", errOff, v.name, v.host, answer.State)
	}
	return usable(answer.Adapters), answer.Adapters, nil
}

// usable are the addresses of adapters: those of IPv4 first, what the guest tells before what the host has seen. One that a guest
// gives itself, for want of a DHCP server, leads nowhere, as does one of IPv6 that is good on its own link alone.
func usable(adapters []adapter) []string {
	var v4, v6 []string
	had := map[netip.Addr]bool{}
	add := func(list []string) {
		for _, text := range list {
			ip, err := netip.ParseAddr(strings.TrimSpace(text))
			if err != nil || had[ip] || ip.IsLinkLocalUnicast() || ip.IsLoopback() || ip.IsMulticast() || ip.IsUnspecified() || len(had) >= mostAddresses {
				continue
			}
			had[ip] = true
			if ip.Is4() {
				v4 = append(v4, ip.String())
			} else {
				v6 = append(v6, ip.String())
			}
		}
	}
	for _, a := range adapters {
		add(a.Told)
	}
	for _, a := range adapters {
		add(a.Seen)
	}
	return append(v4, v6...)
}

// mostAddresses is at how many of a machine's addresses WinRM is looked for.
const mostAddresses = 16

// unaddressed is what to do about a machine of which the host knows no address.
func unaddressed(adapters []adapter) string {
	switch {
	case len(adapters) == 0:
		return "the VM has no network adapter: Add-VMNetworkAdapter gives it one"
	case !adapters[0].Connected:
		return "the VM's network adapter is connected to no switch: Connect-VMNetworkAdapter"
	}
	return "the host knows no address of it: say `address:` in the target; else the guest has to run Hyper-V's integration services (Key-Value Pair Exchange), " +
		"and to have got an address from a DHCP server"
}

// After how long a host is asked again: that knows no address yet, or perhaps another one.
const (
	askAgain = 2 * time.Second
	askMore  = 10 * time.Second
)

// await waits until the guest's WinRM answers at the address of its target, or at one of those that the host knows.
func (r *record) await(ctx context.Context, h vm.Host, v *virtual) (remote.Endpoint, error) {
	if r.Address != "" {
		e, err := r.Service.Endpoint(r.Address, r.Service.Port, h.Getenv)
		if err == nil {
			err = remote.Await(ctx, e)
		}
		return e, err
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	type answer struct {
		endpoint remote.Endpoint
		err      error
	}
	answers := make(chan answer, mostAddresses)
	var trying sync.WaitGroup
	defer trying.Wait()
	defer end(nil)
	tried := map[string]bool{}
	missing := errors.New("the host was not asked for its address yet")
	for {
		found, adapters, err := v.addresses(ctx)
		switch {
		case errors.Is(err, errOff):
			return remote.Endpoint{}, err
		case err != nil: // it may be busy, or reboot
			missing = err
		case len(found) == 0:
			missing = errors.New(unaddressed(adapters))
		}
		for _, address := range found {
			if tried[address] || len(tried) == mostAddresses {
				continue
			}
			tried[address] = true
			e, err := r.Service.Endpoint(address, r.Service.Port, h.Getenv)
			if err != nil {
				return e, err
			}
			trying.Go(func() { answers <- answer{e, remote.Await(ctx, e)} })
		}
		again := askAgain
		if len(tried) > 0 {
			again = askMore
		}
		select {
		case a := <-answers: // it answers, or ctx has ended, or it is another machine than it should be
			return a.endpoint, a.err
		case <-ctx.Done():
			if len(tried) == 0 {
				return remote.Endpoint{}, errors.Join(context.Cause(ctx), missing)
			}
			a := <-answers
			return a.endpoint, a.err
		case <-time.After(again):
		}
	}
}
