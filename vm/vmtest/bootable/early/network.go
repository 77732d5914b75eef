//go:build linux

package early

import (
	"encoding/binary"
	"fmt"
	"net"
	"unsafe"

	"golang.org/x/sys/unix"
)

// configureNetwork gives the first network card the address that QEMU's user network forwards ports to by default, without
// asking: that takes longer than all else here. The guest speaks to nobody but those who have called it, so that the network
// that it is in is all the route that it needs beside a default one.
func configureNetwork() error {
	interfaces, err := net.Interfaces()
	if err != nil {
		return err
	}
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(socket)
	carded := false
	for _, i := range interfaces {
		if i.Flags&net.FlagLoopback == 0 && !carded {
			carded = true
			if err := setAddress(socket, i.Name, net.IPv4(10, 0, 2, 15), net.IPv4(255, 255, 255, 0)); err != nil {
				return err
			}
		}
		if err := bringUp(socket, i.Name); err != nil {
			return err
		}
	}
	if !carded {
		Say("there is no network card")
		return nil
	}
	return defaultRoute(socket, net.IPv4(10, 0, 2, 2))
}

func setAddress(socket int, name string, address, mask net.IP) error {
	if err := set(socket, name, unix.SIOCSIFADDR, address); err != nil {
		return err
	}
	return set(socket, name, unix.SIOCSIFNETMASK, mask)
}

func set(socket int, name string, request uint, value net.IP) error {
	r, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	if err := r.SetInet4Addr(value.To4()); err != nil {
		return err
	}
	if err := unix.IoctlIfreq(socket, request, r); err != nil {
		return fmt.Errorf("set up %s: %w", name, err)
	}
	return nil
}

func bringUp(socket int, name string) error {
	r, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, r); err != nil {
		return fmt.Errorf("bring up %s: %w", name, err)
	}
	return nil
}

// route is struct rtentry of linux/route.h on 64-bit machines.
type route struct {
	_                    uint64
	to, gateway, mask    [16]byte // struct sockaddr
	flags                uint16
	_                    int16
	_                    uint32
	_                    uint64
	_, _                 uint8
	_                    [3]int16
	metric               int16
	_                    [6]byte
	device               uintptr
	mtu, window          uint64
	initialRoundTripTime uint16
	_                    [6]byte
}

// Flags of a route, of linux/route.h.
const routeUp, routeGateway = 1, 2

func defaultRoute(socket int, gateway net.IP) error {
	r := route{flags: routeUp | routeGateway, metric: 1}
	for _, a := range []*[16]byte{&r.to, &r.gateway, &r.mask} {
		binary.NativeEndian.PutUint16(a[:], unix.AF_INET)
	}
	copy(r.gateway[4:], gateway.To4())
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(socket), unix.SIOCADDRT, uintptr(unsafe.Pointer(&r))); errno != 0 {
		return fmt.Errorf("set the default route: %w", errno)
	}
	return nil
}
