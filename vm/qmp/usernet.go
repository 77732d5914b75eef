package qmp

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ForwardedPort reads, in what `info usernet` prints (see Monitor.Human), on which port of this machine, at 127.0.0.1, a port of
// the guest is reached. There is no command of QMP's that tells it. The lines (tcp_conn state of libslirp, slirp_connection_info) are
//
//	Protocol[state]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ
//	TCP[HOST_FORWARD]  12       127.0.0.1 39123       10.0.2.15  5986     0     0
//
// of which one is the target's own: a user's arguments may forward other ports, or this one once more elsewhere.
func ForwardedPort(text string, port int) (int, error) {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 6 || fields[0] != "TCP[HOST_FORWARD]" || fields[2] != "127.0.0.1" || fields[5] != strconv.Itoa(port) {
			continue
		}
		host, err := strconv.ParseUint(fields[3], 10, 16)
		if err != nil || host == 0 {
			return 0, fmt.Errorf("QEMU forwards port %q of this machine, which is no port", fields[3])
		}
		return int(host), nil
	}
	return 0, errors.New("QEMU does not tell which port of this machine it forwards to the guest's WinRM")
}
