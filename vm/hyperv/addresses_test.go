package hyperv

import (
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// interfaceAddresses are this machine's own of IPv4, but for its loopback.
func interfaceAddresses(t *testing.T) (all []string) {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.To4() != nil && !ip.IP.IsLoopback() && !ip.IP.IsLinkLocalUnicast() {
			all = append(all, ip.IP.String())
		}
	}
	return all
}

func TestUsableAddresses(t *testing.T) {
	for name, test := range map[string]struct {
		adapters []adapter
		want     []string
	}{
		"none":              {nil, nil},
		"IPv4 first":        {[]adapter{{Told: []string{"2001:db8::5", "10.0.0.5"}}}, []string{"10.0.0.5", "2001:db8::5"}},
		"leading nowhere":   {[]adapter{{Told: []string{"fe80::1", "169.254.1.2", "127.0.0.1", "0.0.0.0", "224.0.0.1", "::1", "x", ""}}}, nil},
		"told, then seen":   {[]adapter{{Seen: []string{"172.20.0.3"}}, {Told: []string{"10.0.0.5"}, Seen: []string{"10.0.0.5"}}}, []string{"10.0.0.5", "172.20.0.3"}},
		"a zone":            {[]adapter{{Told: []string{"fe80::1%12"}}}, nil},
		"with white spaces": {[]adapter{{Told: []string{" 10.0.0.5 "}}}, []string{"10.0.0.5"}},
	} {
		if got := usable(test.adapters); !cmp.Equal(got, test.want) {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
	var many adapter
	for i := range 100 {
		many.Told = append(many.Told, net.IPv4(10, 0, 0, byte(i)).String())
	}
	if got := usable([]adapter{many}); len(got) != mostAddresses {
		t.Errorf("got %d of 100 addresses, want %d", len(got), mostAddresses)
	}
	for want, adapters := range map[string][]adapter{"no network adapter": nil, "connected to no switch": {{}}, "knows no address": {{Connected: true}}} {
		if got := unaddressed(adapters); !strings.Contains(got, want) {
			t.Errorf("got %q, want %q in it", got, want)
		}
	}
}
