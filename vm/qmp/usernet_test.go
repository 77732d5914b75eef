package qmp

import (
	"strings"
	"testing"
)

func TestForwardedPort(t *testing.T) {
	const head = "Hub -1 (net):\r\n  Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ\r\n"
	for name, test := range map[string]struct {
		text string
		want int
		err  string
	}{
		"the one":         {text: head + "  TCP[HOST_FORWARD]  10       127.0.0.1 46625       10.0.2.15  5986     0     0\r\n", want: 46625},
		"among others":    {text: head + "  TCP[ESTABLISHED]   11       127.0.0.1 1       10.0.2.15  5986     0     0\r\n  TCP[HOST_FORWARD]  12       127.0.0.1 3390       10.0.2.15  3389     0     0\r\n  TCP[HOST_FORWARD]  13       127.0.0.1 40000       10.0.2.15  5986     0     0\r\n", want: 40000},
		"for all to use":  {text: head + "  TCP[HOST_FORWARD]  10               * 46625       10.0.2.15  5986     0     0\r\n", err: "does not tell"},
		"nothing":         {err: "does not tell"},
		"no network":      {text: head, err: "does not tell"},
		"port 0":          {text: "TCP[HOST_FORWARD] 10 127.0.0.1 0 10.0.2.15 5986 0 0", err: "no port"},
		"far too large":   {text: "TCP[HOST_FORWARD] 10 127.0.0.1 65536 10.0.2.15 5986 0 0", err: "no port"},
		"a line cut off":  {text: "TCP[HOST_FORWARD] 10 127.0.0.1 65535", err: "does not tell"},
		"of an image":     {text: "Hub 0 (#net):\n  Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ\n  UDP[236 sec]       20       10.0.2.15 59000       10.0.2.3    53     0     0\n  TCP[HOST_FORWARD]  12       127.0.0.1 39123       10.0.2.15  5986     0     0\n", want: 39123},
		"another's":       {text: "Hub 0 (#net):\n  Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ\n  TCP[HOST_FORWARD]  12       127.0.0.1 39123       10.0.2.15  22     0     0\n", err: "does not tell"},
		"of another kind": {text: "UDP[HOST_FORWARD] 10 127.0.0.1 65535 10.0.2.15 5986 0 0", err: "does not tell"},
	} {
		got, err := ForwardedPort(test.text, 5986)
		if got != test.want || (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: got %d, %v, want %d, %q", name, got, err, test.want, test.err)
		}
	}
}

func FuzzForwardedPort(f *testing.F) {
	f.Add("  TCP[HOST_FORWARD]  10       127.0.0.1 46625       10.0.2.15  5986     0     0\r\n", 5986)
	f.Fuzz(func(t *testing.T, text string, port int) {
		if got, err := ForwardedPort(text, port); err == nil && (got < 1 || got > 65535) {
			t.Errorf("got port %d", got)
		}
	})
}
