package libvirt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"wskharness/child"
)

// maxSaid is how much of what ssh says is kept, in bytes.
const maxSaid = 2000

// sshConn is a connection through the user's ssh program: what works as `ssh HOST` works here, with the same configuration,
// keys, agent, hardware tokens, jump hosts and known hosts, and libvirt's own tools do it so. An ssh of our own would know
// some of them, and ask its user for the rest.
type sshConn struct {
	name   string // of the program
	in     *os.File
	out    *os.File
	cancel context.CancelFunc
	ended  chan struct{} // closed when the program has ended
	err    error         // how; of whoever has seen that
	said   child.Tail
	once   sync.Once
}

// remoteScript is what a shell on the host runs: libvirt's own helper, which knows where its socket is, or netcat where
// that is not installed, or where a socket was named. Nothing in it is special to a shell: see plainPath.
func remoteScript(p place) string {
	script := "if command -v virt-ssh-helper >/dev/null 2>&1; then exec virt-ssh-helper " + p.driver + "; fi; "
	if len(p.sockets) == 1 {
		script = ""
	}
	script += "for s in " + strings.Join(p.sockets, " ") + "; do if test -S $s; then exec nc -U $s; fi; done; " +
		"echo no libvirt daemon has a socket there: " + strings.Join(p.sockets, " ") + " >&2; exit 69"
	return "sh -c '" + script + "'"
}

// sshArguments are ssh's: it asks nobody anything, and notices a host that has gone.
func sshArguments(p place) []string {
	arguments := []string{"-T", "-e", "none", "-o", "BatchMode=yes", "-o", "ConnectTimeout=15", "-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=3"}
	if p.port != "" {
		arguments = append(arguments, "-p", p.port)
	}
	if p.user != "" {
		arguments = append(arguments, "-l", p.user)
	}
	if p.keyFile != "" {
		arguments = append(arguments, "-i", p.keyFile)
	}
	return append(arguments, "--", p.host, remoteScript(p))
}

func dialSSH(p place, never []string) (net.Conn, error) {
	environment := child.Environment{Never: never}
	for _, name := range []string{"SSH_AUTH_SOCK", "KRB5CCNAME"} { // where the keys are, for a program that is to use them
		if os.Getenv(name) != "" {
			environment.Also = append(environment.Also, name)
		}
	}
	env, err := environment.List()
	if err != nil {
		return nil, err
	}
	in, send, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	receive, out, err := os.Pipe()
	if err != nil {
		in.Close()
		send.Close()
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background()) // ends with Close
	c := &sshConn{name: cmp.Or(p.command, "ssh"), in: send, out: receive, cancel: cancel, ended: make(chan struct{}), said: child.Tail{Most: maxSaid}}
	cmd := child.Command(ctx, env, c.name, sshArguments(p)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, out, &c.said
	go func() {
		_, c.err = child.RunGroup(ctx, cmd)
		in.Close()
		out.Close()
		close(c.ended)
	}()
	return c, nil
}

// Read ends with what ssh said where it ended by itself.
func (c *sshConn) Read(p []byte) (int, error) {
	n, err := c.out.Read(p)
	if err == nil || n > 0 {
		return n, nil
	}
	<-c.ended
	if c.err == nil {
		return 0, io.EOF
	}
	if errors.Is(c.err, exec.ErrNotFound) {
		return 0, fmt.Errorf("%w: install an ssh client (openssh-client), or reach the host by qemu+tls://", c.err)
	}
	return 0, fmt.Errorf("%s: %w: %s; `%s HOST` has to work without a question", c.name, c.err, c.said.String(), c.name)
}

func (c *sshConn) Write(p []byte) (int, error) { return c.in.Write(p) }

// Close ends the program.
func (c *sshConn) Close() error {
	c.once.Do(func() {
		c.cancel()
		c.in.Close()
		c.out.Close()
	})
	return nil
}

func (c *sshConn) LocalAddr() net.Addr              { return sshAddress(c.name) }
func (c *sshConn) RemoteAddr() net.Addr             { return sshAddress(c.name) }
func (c *sshConn) SetDeadline(time.Time) error      { return os.ErrNoDeadline }
func (c *sshConn) SetReadDeadline(time.Time) error  { return os.ErrNoDeadline }
func (c *sshConn) SetWriteDeadline(time.Time) error { return os.ErrNoDeadline }

type sshAddress string

func (a sshAddress) Network() string { return "ssh" }
func (a sshAddress) String() string  { return string(a) }
