package libvirt

import (
	"testing"

	golibvirt "github.com/digitalocean/go-libvirt"
)

const usernet = `Hub -1 (n0):
  Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ
  TCP[ESTABLISHED]   14       127.0.0.1 39999       10.0.2.15  5986     0     0
  TCP[HOST_FORWARD]  12       127.0.0.1 39023       10.0.2.15  5985     0     0
  TCP[HOST_FORWARD]  13               * 39024       10.0.2.15  5986     0     0
  UDP[236 sec]       15       10.0.2.15 68          10.0.2.2    67     0     0
`

func TestForwardTo(t *testing.T) {
	for port, want := range map[int]string{5985: "127.0.0.1", 5986: "0.0.0.0", 22: ""} {
		host, at, ok := forwardTo(usernet, port)
		if ok != (want != "") || ok && (host.String() != want || at != 39023+port-5985) {
			t.Errorf("port %d: %s %d %t; want %q", port, host, at, ok, want)
		}
	}
}

func FuzzForwardTo(f *testing.F) {
	f.Add(usernet)
	f.Fuzz(func(t *testing.T, text string) {
		if host, port, ok := forwardTo(text, 5986); ok && (!host.IsValid() || port < 1 || port > 65535) {
			t.Errorf("%q: %s %d", text, host, port)
		}
	})
}

func TestUsable(t *testing.T) {
	for _, test := range []struct {
		addresses []string
		want      string
	}{
		{nil, ""},
		{[]string{"127.0.0.1", "::1", "169.254.3.4", "fe80::1", "0.0.0.0", "garbage", "ff02::1"}, ""},
		{[]string{"127.0.0.1", "2001:db8::5", "192.168.122.7", "10.0.0.3"}, "192.168.122.7"},
		{[]string{"fe80::1", "2001:db8::5"}, "2001:db8::5"},
	} {
		var one golibvirt.DomainInterface
		for _, address := range test.addresses {
			one.Addrs = append(one.Addrs, golibvirt.DomainIPAddr{Addr: address})
		}
		if got := usable([]golibvirt.DomainInterface{{}, one}); got != test.want {
			t.Errorf("%q: %q; want %q", test.addresses, got, test.want)
		}
	}
}
