//go:build unix

package power

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"wskharness/child"
	"wskharness/testtime"
	"wskharness/vm"
)

// long is more than any step takes here.
const long = 10 * time.Minute

// simulated is a management controller of OpenIPMI's simulator, whose machine is a file.
type simulated struct {
	port int
	dir  string
}

// simulate starts one. It has no diagnostic interrupt, and no cipher suite but those of IPMI 2.0's first edition.
func simulate(t *testing.T) *simulated {
	t.Helper()
	if _, err := exec.LookPath("ipmi_sim"); err != nil {
		t.Skip("ipmi_sim is not installed (scripts/deps test): there is no management controller to try it on")
	}
	s := &simulated{dir: t.TempDir()}
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(s.dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("power", "0", 0o600)
	machine := write("machine", `#!/bin/sh
cd "$(dirname "$0")" || exit
op=$1
shift
case $op in
check) for a; do case $a in power | reset) ;; *) exit 1 ;; esac; done ;;
get) for a; do echo "$a:$(cat "$a")"; done ;;
set)
    while [ $# -gt 0 ]; do
        [ "$1" = power ] && echo "$2" >power
        echo "$1 $2" >>did
        shift 2
    done
    ;;
esac
`, 0o700)
	if err := os.Mkdir(filepath.Join(s.dir, "kept"), 0o700); err != nil {
		t.Fatal(err)
	}
	commands := write("commands", "mc_setbmc 0x20\nmc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr\nmc_enable 0x20\n", 0o600)
	s.port = freePort(t)
	auths := ""
	for _, level := range []string{"callback", "user", "operator", "admin"} {
		auths += "  allowed_auths_" + level + " none md2 md5 straight\n"
	}
	config := write("lan.conf", fmt.Sprintf(`name "wskharness-test"
set_working_mc 0x20
startlan 1
  addr 127.0.0.1 %d
  priv_limit admin
%s  guid a123456789abcdefa123456789abcdef
endlan
chassis_control "%s"
user 2 true "op" "s3cret" admin 10 none md2 md5 straight
`, s.port, auths, machine), 0o600)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, "ipmi_sim", "-n", "-c", config, "-f", commands, "-s", filepath.Join(s.dir, "kept"))
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	log.Close()
	t.Cleanup(func() { cancel(); _ = cmd.Wait() })
	testtime.Await(t, "the simulator to answer; what it says is in "+log.Name(), func() bool {
		return ping(t.Context(), fmt.Sprint("127.0.0.1:", s.port)) == nil
	})
	return s
}

// freePort is a UDP port that was free a moment ago: the simulator takes none by itself.
func freePort(t *testing.T) int {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr).Port
}

func (s *simulated) did(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, "did"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return strings.ReplaceAll(strings.TrimSpace(string(text)), "\n", ", ")
}

func (s *simulated) ipmi() *ipmi {
	return &ipmi{tool: Program{Words: []string{ipmitool}, Environment: child.Environment{}}, host: "127.0.0.1", port: s.port, user: "op", password: "s3cret", cipherSuite: "3"}
}

// A machine behind a simulated controller is turned on, off, and reset; what the controller does not do, or takes for wrong,
// is told as that.
func TestIPMI(t *testing.T) {
	t.Parallel()
	s := simulate(t)
	c := newControl(s.ipmi(), long)
	state := func(want vm.Power) {
		t.Helper()
		if got, err := c.State(t.Context()); got != want || err != nil {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
	}
	do := func(a Action, want string) {
		t.Helper()
		if err := c.Do(t.Context(), a); err != nil {
			t.Errorf("%s: %v", a, err)
		}
		if got := s.did(t); got != want {
			t.Errorf("%s: got %q, want %q", a, got, want)
		}
	}
	state(vm.Off)
	do(On, "power 1")
	state(vm.On)
	do(On, "power 1")
	do(Reset, "power 1, reset 1")
	do(Off, "power 1, reset 1, power 0")
	state(vm.Off)
	do(Reset, "power 1, reset 1, power 0, power 1")
	checkError(t, c.Do(t.Context(), NMI), "Set Chassis Power Control to Diag failed: Invalid data field in request")

	for name, test := range map[string]struct {
		change func(*ipmi)
		want   string
	}{
		"wrong password":       {func(i *ipmi) { i.password = "s3cret2" }, "a management controller answers there: see user and password"},
		"unknown user":         {func(i *ipmi) { i.user = "nobody" }, "a management controller answers there: see user and password"},
		"another cipher suite": {func(i *ipmi) { i.cipherSuite = "17" }, "invalid authentication algorithm"},
		"not allowed to":       {func(i *ipmi) { i.privilege = "USER" }, "Insufficient privilege level"},
	} {
		t.Run(name, func(t *testing.T) {
			i := s.ipmi()
			test.change(i)
			checkError(t, newControl(i, long).Do(t.Context(), Reset), test.want)
		})
	}
}

// Where nobody answers, that is what is told, and not a wrong password.
func TestIPMIOfNobody(t *testing.T) {
	t.Parallel()
	i := &ipmi{tool: Program{Words: []string{"false"}}, host: "127.0.0.1", port: freePort(t), user: "op", password: "s3cret"}
	_, err := newControl(i, long).State(t.Context())
	checkError(t, err, "power status by IPMI at 127.0.0.1:")
	checkError(t, err, "nothing answers there (")
	i.tool = *(&Settings{}).ipmitool(vm.Host{})
	i.tool.Words = []string{filepath.Join(t.TempDir(), "ipmitool")}
	checkError(t, i.tool.Check(), "can't be started: stat")
	checkError(t, i.tool.Check(), "apt-get install ipmitool")
}

// The password comes to ipmitool through a pipe, and is in none of its arguments and nothing of its environment. What it is
// told to do is a word of the program's.
func TestIPMIKeepsThePassword(t *testing.T) {
	t.Setenv("BMC_PASSWORD", "s3cret")
	dir := t.TempDir()
	tool := filepath.Join(dir, "tool")
	script := "#!/bin/sh\ntr '\\0' ' ' </proc/$$/cmdline >" + dir + "/args\nenv >" + dir + "/env\nread -r password </dev/fd/3\necho \"$password\" >" + dir + "/password\necho \"it is $password\"\necho Chassis Power is on\n"
	if err := os.WriteFile(tool, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	i := &ipmi{tool: Program{Words: []string{tool}}, host: "fe80::1", port: 6230, user: "op", password: "s3cret", cipherSuite: "17", privilege: "OPERATOR"}
	if err := newControl(i, long).Do(t.Context(), NMI); err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if got, want := read("args"), "/bin/sh "+tool+" -I lanplus -H fe80::1 -p 6230 -U op -f /dev/fd/3 -R 4 -N 2 -C 17 -L OPERATOR chassis power diag "; got != want {
		t.Errorf("got the arguments %q, want %q", got, want)
	}
	if strings.Contains(read("env"), "s3cret") || strings.TrimSpace(read("password")) != "s3cret" {
		t.Errorf("got the environment %q and the password %q, want none of it, and s3cret", read("env"), read("password"))
	}
}

// FuzzPong: no packet does any harm.
func FuzzPong(f *testing.F) {
	f.Add([]byte{6, 0, 0xff, 6, 0, 0, 0x11, 0xbe, 0x40, 0, 0, 16})
	f.Fuzz(func(t *testing.T, packet []byte) {
		if isPong(packet) && (len(packet) < 12 || packet[8] != 0x40) {
			t.Errorf("%x is taken for a pong", packet)
		}
	})
}
