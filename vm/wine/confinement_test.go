//go:build linux

package wine

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"wskharness/remote/winrmd"
	"wskharness/testtime"
)

// attempts is a program that tries to get out of a guest: a program of Linux, since nothing keeps a driver from being
// one. It says of each attempt whether it came off.
const attempts = `
use strict; use IO::Socket::INET; use IO::Socket::UNIX; use Socket;
my ($outside, $port, $pid, $inside, $control, $program) = @ARGV;
open(my $told, ">", "$inside/told.new") or die;
sub try { my ($what, $did) = @_; print $told "$what: ", ($did ? "yes" : "no"), "\n"; }
sub content { open(my $f, "<", $_[0]) or return 0; my $n = read($f, my $text, 1); return $n; }
sub written { open(my $f, ">", $_[0]) or return 0; return print $f "x"; }
sub permit {
	my $did = 0;
	for my $exe (glob("/proc/[0-9]*/exe")) {
		my $is = readlink($exe);
		$did = 1 if $is && $is eq $program && chmod((stat($exe))[2] & 07777, $exe);
	}
	return $did;
}
sub abstract {
	socket(my $s, PF_UNIX, SOCK_STREAM, 0) or return 0;
	return connect($s, pack("Sa*", AF_UNIX, "\0" . $_[0]));
}
try("read a file outside", content("$outside/secret"));
try("list a folder outside", opendir(my $d, $outside));
try("write a file outside", written("$outside/planted"));
try("change the permissions of a file outside", chmod(0640, "$outside/secret"));
try("change its confinement's rules", written("/proc/sys/kernel/core_pattern.none") || written("/sys/kernel/none"));
try("change the permissions of the program that serves it", permit());
try("connect to a port of this machine", IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $port, Timeout => 5));
try("connect to a socket of this machine", IO::Socket::UNIX->new(Peer => "$outside/socket"));
try("connect to an abstract socket", abstract("wsk-test-$port"));
try("connect to its own control socket", IO::Socket::UNIX->new(Peer => $control));
try("signal a process outside", kill(0, $pid));
try("read the memory of a process outside", content("/proc/$pid/environ"));
try("see a process outside", -d "/proc/$pid");
my $own = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1");
try("use its own loopback", $own && IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $own->sockport, Timeout => 5));
try("write a file of its own", written("$inside/own"));
try("make a socket of its own", IO::Socket::UNIX->new(Local => "$inside/socket", Listen => 1));
close($told) && rename("$inside/told.new", "$inside/told");
`

// TestConfinement has a program try to get out of a guest, with each kind of confinement that this machine can show, and
// with none, where it has to succeed: else the attempts would prove nothing.
func TestConfinement(t *testing.T) {
	t.Parallel()
	here := confinement()
	t.Log("this machine: ", here)
	for _, tt := range []struct {
		name string
		with enclosure
		why  string // it can't be shown
	}{
		{name: "none", with: enclosure{}},
		{name: "Landlock", with: enclosure{Landlock: here.Landlock}, why: here.NoLandlock},
		{name: "namespaces", with: enclosure{Bubblewrap: here.Bubblewrap, Processes: here.Processes}, why: here.NoSpaces},
		{name: "namespaces but that of processes, and Landlock", with: enclosure{Bubblewrap: here.Bubblewrap, Landlock: here.Landlock}, why: here.NoSpaces + here.NoLandlock},
		{name: "all", with: here, why: here.NoSpaces + here.NoLandlock},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.why != "" {
				t.Skip(tt.why)
			}
			c := tt.with
			spaces, alone := c.Bubblewrap != "", c.Processes || c.Landlock > 0
			got := attempt(t, booted(t, c))
			want := map[string]bool{ // whether it may succeed
				"read a file outside":                                  !spaces && c.Landlock == 0,
				"list a folder outside":                                !spaces && c.Landlock == 0,
				"write a file outside":                                 !spaces && c.Landlock == 0,
				"change the permissions of a file outside":             !spaces,
				"change its confinement's rules":                       false,
				"change the permissions of the program that serves it": !spaces && c.Landlock == 0,
				"connect to a port of this machine":                    !spaces,
				"connect to a socket of this machine":                  !spaces,
				"connect to an abstract socket":                        !spaces && c.Landlock < signalsLandlock,
				"connect to its own control socket":                    !spaces,
				"signal a process outside":                             !c.Processes && c.Landlock < signalsLandlock,
				"read the memory of a process outside":                 !alone,
				"see a process outside":                                !c.Processes,
				"use its own loopback":                                 true,
				"write a file of its own":                              true,
				"make a socket of its own":                             true,
			}
			for what, may := range want {
				did, tried := got[what]
				if !tried {
					t.Errorf("nothing tried to %s", what)
				} else if did != may {
					t.Errorf("whether it could %s: %t, want %t", what, did, may)
				}
			}
		})
	}
}

// attempt starts the attempts in a guest, beside what they would reach.
func attempt(t *testing.T, up *boot) map[string]bool {
	t.Helper()
	outside := t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	listen := func(network, address string) net.Listener {
		l, err := net.Listen(network, address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		return l
	}
	port := listen("tcp", "127.0.0.1:0").Addr().(*net.TCPAddr).Port
	listen("unix", filepath.Join(outside, "socket"))
	listen("unix", fmt.Sprintf("@wsk-test-%d", port))
	control := filepath.Join(up.kin.temp, "control")
	listen("unix", control)
	bystander := exec.CommandContext(t.Context(), "sleep", "600")
	if err := bystander.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bystander.Process.Kill(); _ = bystander.Wait() })
	inside := filepath.Join(up.kin.prefix, "drive_c")
	script := filepath.Join(inside, "attempts.pl")
	if err := os.WriteFile(script, []byte(attempts), 0o600); err != nil {
		t.Fatal(err)
	}
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	line := fmt.Sprintf("start /unix /usr/bin/perl %s %s %d %d %s %s %s", script, outside, port, bystander.Process.Pid, inside, control, program)
	p, err := up.host.Start(t.Context(), winrmd.Spec{Line: line, Codepage: 65001})
	if err != nil {
		t.Fatal(err)
	}
	p.Stdin().Close()
	var told []byte
	testtime.Await(t, "the attempts' end", func() bool {
		told, err = os.ReadFile(filepath.Join(inside, "told"))
		return err == nil
	})
	_, _ = p.Wait() // it is over, or does not matter
	got := map[string]bool{}
	for line := range strings.Lines(string(told)) {
		what, did, _ := strings.Cut(strings.TrimSpace(line), ": ")
		got[what] = did == "yes"
	}
	return got
}

// What whoever starts a guest has open, and passes on to all that it starts, does not get into the guest.
func TestInheritedFilesStayOutside(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p := testProvider(t, func(o *Options) {
		o.Serve = append([]string{"/bin/sh", "-c", `exec 9<"$0"; exec "$@"`, secret}, o.Serve...)
	})
	m := acquire(t, p)
	pids := append(processesOf(prefixOf(m.state.Dir)), m.state.PID, m.state.Guard)
	if len(pids) < 4 {
		t.Fatalf("processes %v: the guest's are not among them", pids)
	}
	for _, pid := range pids {
		open, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
		for _, fd := range open {
			if to, err := os.Readlink(fd); err == nil && to == secret {
				t.Errorf("%s is the file that its guest's controller had open", fd)
			}
		}
	}
}

// The keys that a login has are not for a guest.
func TestLeaveKeys(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked: the thread with these keys ends with this goroutine
		if _, err := unix.KeyctlInt(unix.KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0); err != nil {
			t.Log("this machine has no keys: ", err)
			return
		}
		const session = unix.KEY_SPEC_SESSION_KEYRING
		find := func() error {
			_, err := unix.KeyctlSearch(session, "user", "wskharness-test", 0)
			return err
		}
		if _, err := unix.AddKey("user", "wskharness-test", []byte("secret"), session); err != nil {
			t.Error(err)
		}
		if err := find(); err != nil {
			t.Errorf("before: %v", err)
		}
		if err := leaveKeys(); err != nil {
			t.Error(err)
		}
		if err := find(); !errors.Is(err, unix.ENOKEY) {
			t.Errorf("afterwards: %v, want ENOKEY", err)
		}
	}()
	<-done
}

// Of a guest whose confinement is killed nothing stays, whichever process of it that is. Without namespaces that is the guard's
// to see to, which this guest has none of.
func TestConfinementKilled(t *testing.T) {
	t.Parallel()
	if confinement().Bubblewrap == "" {
		t.Skip(confinement().NoSpaces)
	}
	up := booted(t, confinement())
	for _, n := range offspring(os.Getpid()) {
		if n.prefix() == up.kin.prefix {
			killAll([]native{n})
			break
		}
	}
	select {
	case <-up.inside.told:
	case <-testtime.Context(t).Done():
		t.Fatal("its processes are still there")
	}
	if up.inside.inOrder {
		t.Error("its end is called one in order")
	}
	testtime.Await(t, "the end of all of its processes", func() bool { return len(up.kin.processes()) == 0 })
}
