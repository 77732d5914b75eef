package libvirt

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	golibvirt "github.com/digitalocean/go-libvirt"
)

// How a guest's address is found: the word that a target says, and who is asked.
const (
	byLease   = "lease"   // libvirt's own DHCP server
	byAgent   = "agent"   // the guest agent in it
	byARP     = "arp"     // the host's ARP table
	byForward = "forward" // QEMU's user networking forwards a port of the host
)

// sources are whom libvirt asks (virDomainInterfaceAddressesSource), in the order in which they are tried.
var sources = []struct {
	word   string
	number uint32
	lacks  string // what it needs, where it tells nothing
}{
	{byLease, uint32(golibvirt.DomainInterfaceAddressesSrcLease), "a network of libvirt's own with DHCP, such as default"},
	{byAgent, uint32(golibvirt.DomainInterfaceAddressesSrcAgent), "qemu-guest-agent in the guest, and a channel for it in the domain"},
	{byARP, uint32(golibvirt.DomainInterfaceAddressesSrcArp), "a bridge of the host that the guest has spoken on"},
}

// addressPause is how long nobody is asked after nobody has known.
const addressPause = 300 * time.Millisecond

// mostAddresses bounds how many addresses of a guest are looked at.
const mostAddresses = 1000

// reach waits until somebody knows where a domain's WinRM is, within ctx: the host and the port.
func (d *domain) reach(ctx context.Context) (host string, port int, err error) {
	how := d.rec().Address
	switch how {
	case "", byLease, byAgent, byARP, byForward:
	default:
		return how, d.rec().Service.Port, nil
	}
	var last error
	for {
		err := d.do(ctx, callLimit, "find the address of domain "+d.rec().Domain, func(lv *conn, dom golibvirt.Domain) error {
			var err error
			if how == byForward {
				host, port, err = d.forwarded(lv, dom)
			} else {
				port = d.rec().Service.Port
				host, err = addressOf(lv, dom, how)
			}
			return err
		})
		if err == nil {
			return host, port, nil
		}
		if _, unknown := errors.AsType[*unknownAddressError](err); !unknown && ctx.Err() == nil {
			return "", 0, err
		}
		if ctx.Err() == nil || last == nil {
			last = err
		}
		select {
		case <-time.After(addressPause):
		case <-ctx.Done():
			return "", 0, fmt.Errorf("%w: %w", last, context.Cause(ctx))
		}
	}
}

// unknownAddressError is that nobody knows a guest's address yet.
type unknownAddressError struct{ tried []string }

func (e *unknownAddressError) Error() string {
	return "nobody knows its address (" + strings.Join(e.tried, "; ") + "): install what tells it, or give the target address: and the guest's own, where that does not change"
}

// addressOf asks one source, or each in turn where none is named.
func addressOf(lv *conn, dom golibvirt.Domain, how string) (string, error) {
	var tried []string
	for _, source := range sources {
		if how != "" && how != source.word {
			continue
		}
		interfaces, err := lv.DomainInterfaceAddresses(dom, source.number, 0)
		if host := usable(interfaces); err == nil && host != "" {
			return host, nil
		}
		why := "it needs " + source.lacks
		if err != nil {
			if _, answered := errors.AsType[golibvirt.Error](err); !answered && !errors.Is(err, golibvirt.ErrUnsupported) {
				return "", err // the daemon is gone
			}
			why = fmt.Sprintf("%.300q, %s", err, why)
		}
		tried = append(tried, source.word+": "+why)
	}
	return "", &unknownAddressError{tried}
}

// usable is an address at which a guest may be reached: of version 4 before version 6, and none that only the guest itself,
// or its own link, has.
func usable(interfaces []golibvirt.DomainInterface) string {
	var six string
	left := mostAddresses
	for _, one := range interfaces {
		for _, address := range one.Addrs {
			if left--; left < 0 {
				return six
			}
			a, err := netip.ParseAddr(address.Addr)
			if err != nil || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsUnspecified() || a.IsMulticast() {
				continue
			}
			if a.Is4() {
				return a.String()
			}
			if six == "" {
				six = a.String()
			}
		}
	}
	return six
}

// forwarded asks QEMU which port of its host it forwards to the guest's WinRM.
func (d *domain) forwarded(lv *conn, dom golibvirt.Domain) (string, int, error) {
	text, err := lv.QEMUDomainMonitorCommand(dom, "info usernet", 1) // 1: a command for people
	if err != nil {
		return "", 0, err
	}
	host, port, ok := forwardTo(text, d.rec().Service.Port)
	if !ok {
		return "", 0, &unknownAddressError{[]string{fmt.Sprintf("%s: QEMU forwards no port to the guest's port %d: it needs -netdev user,…,hostfwd=tcp:127.0.0.1:0-:%d", byForward, d.rec().Service.Port, d.rec().Service.Port)}}
	}
	switch at := d.client.address(); {
	case host.IsUnspecified():
		return at, port, nil
	case host.IsLoopback() && at != "127.0.0.1":
		return "", 0, fmt.Errorf("QEMU on %s forwards port %d of %s there, which only that host itself reaches: let it listen on 0.0.0.0 (hostfwd=tcp:0.0.0.0:0-:%d)", at, port, host, d.rec().Service.Port)
	}
	return host.String(), port, nil
}

// forwardTo finds in what QEMU says of its user networking the port that leads to a port of the guest:
//
//	TCP[HOST_FORWARD]  12       127.0.0.1 39023       10.0.2.15  5986     0     0
func forwardTo(text string, guestPort int) (netip.Addr, int, bool) {
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		word := strings.Fields(lines.Text())
		if len(word) < 6 || word[0] != "TCP[HOST_FORWARD]" || word[5] != strconv.Itoa(guestPort) {
			continue
		}
		source := word[2]
		if source == "*" {
			source = "0.0.0.0"
		}
		host, err := netip.ParseAddr(source)
		port, garbled := strconv.ParseUint(word[3], 10, 16)
		if err == nil && garbled == nil && port > 0 {
			return host, int(port), true
		}
	}
	return netip.Addr{}, 0, false
}
