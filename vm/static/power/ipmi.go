package power

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strconv"

	"wskharness/remote"
	"wskharness/vm"
)

// ipmi is a machine whose management controller speaks IPMI 2.0 over the network (RMCP+, "lanplus"), by the program ipmitool.
//
// Why a program: go-ipmi (v0.9.1), the one library that is kept, decrypts packets before it has checked that they are the
// controller's, and panics on some of them on a goroutine of its own, so that one forged or damaged packet of UDP ends the whole
// process. And ipmitool knows the ways of many controllers.
type ipmi struct {
	tool        Program // ipmitool, without arguments
	host        string
	port        int
	user        string
	password    remote.Secret
	cipherSuite string // empty: ipmitool's choice
	privilege   string // empty: administrator
}

const (
	ipmitool = "ipmitool"
	// maxIPMIPassword is what a password of IPMI 2.0 can have, in bytes.
	maxIPMIPassword = 20
	// ipmiTries times ipmiPause seconds, longer each time, are waited for each answer of the controller's.
	ipmiTries, ipmiPause = "4", "2"
)

// chassisPower are ipmitool's words for the actions. That diag is an NMI, IPMI 2.0 says (28.3, "pulse Diagnostic Interrupt").
var chassisPower = map[Action]string{On: "on", Off: "off", Reset: "reset", NMI: "diag"}

func (i *ipmi) name() string     { return "by IPMI at " + net.JoinHostPort(i.host, strconv.Itoa(i.port)) }
func (i *ipmi) can(Action) bool  { return true }
func (i *ipmi) tellsState() bool { return true }

func (i *ipmi) do(ctx context.Context, a Action) error {
	_, _, err := i.run(ctx, chassisPower[a])
	return err
}

func (i *ipmi) state(ctx context.Context) (vm.Power, error) {
	said, shown, err := i.run(ctx, "status")
	if err != nil {
		return vm.Unknown, err
	}
	state := stateOf(said)
	if state == vm.Unknown {
		return state, fmt.Errorf("ipmitool said %q, and neither on nor off", shown)
	}
	return state, nil
}

// run calls ipmitool. The password goes through a pipe: it is in no argument, no environment and no file.
func (i *ipmi) run(ctx context.Context, word string) (said, shown string, err error) {
	if runtime.GOOS == "windows" {
		return "", "", errors.New("ipmitool gets its password through a pipe, which it can't on Windows: use redfish, or programs of your own (power)")
	}
	read, write, err := os.Pipe()
	if err != nil {
		return "", "", err
	}
	defer read.Close()
	_, err = write.WriteString(i.password.Reveal() + "\n") // far less than a pipe has room for
	if err = errors.Join(err, write.Close()); err != nil {
		return "", "", err
	}
	tool := i.tool
	tool.files = []*os.File{read}
	tool.public = true
	tool.Words = append(tool.Words[:1:1], "-I", "lanplus", "-H", i.host, "-p", strconv.Itoa(i.port), "-U", i.user, "-f", "/dev/fd/3", "-R", ipmiTries, "-N", ipmiPause)
	if i.cipherSuite != "" {
		tool.Words = append(tool.Words, "-C", i.cipherSuite)
	}
	if i.privilege != "" {
		tool.Words = append(tool.Words, "-L", i.privilege)
	}
	tool.Words = append(tool.Words, "chassis", "power", word)
	said, shown, err = tool.run(ctx)
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("%w; %s", err, i.diagnose(ctx))
	}
	return said, shown, err
}

// diagnose tells a controller that is not there from one that did not like what it was asked: ipmitool has one message for
// both.
func (i *ipmi) diagnose(ctx context.Context) string {
	if err := ping(ctx, net.JoinHostPort(i.host, strconv.Itoa(i.port))); err != nil {
		return "nothing answers there (" + err.Error() + "): see that the address is the management controller's, and that IPMI over LAN is enabled in it"
	}
	return "a management controller answers there: see user and password, cipher_suite (3 for older ones) and privilege"
}
