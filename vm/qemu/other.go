//go:build !linux

package qemu

import (
	"context"
	"errors"
	"net"

	"github.com/hashicorp/go-hclog"

	"wskharness/vm/lease"
)

// errNotHere: QEMU is given open connections, and ended by the kernel with the process that has started it. Neither can be had
// alike elsewhere.
var errNotHere = errors.New("virtual machines of QEMU are started on Linux alone: use libvirt for those on another machine, hyperv on Windows, or static for one that you start yourself")

type serving struct{ ended <-chan struct{} }

func (serving) await(context.Context) error { return errNotHere }

func (p *provider) startServer(*lease.Lease) (*control, serving, error) {
	return nil, serving{}, errNotHere
}

func serve(context.Context, string, hclog.Logger) error { return errNotHere }

func inFolder(string, string, func(path string) error) error { return errNotHere }

func peer(net.Conn) (int, error) { return 0, errNotHere }

func awaitExit(context.Context, int) error { return errNotHere }

// absent says why there are no guests of this kind on this system.
func absent() error { return errNotHere }
