package minimal

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"wskharness/child"
	"wskharness/remote"
	"wskharness/testtime"
)

// machine is a QEMU that a test has started, without any of what is to be tested with it.
type machine struct {
	t      *testing.T
	dir    string
	ask    io.Writer
	told   chan map[string]any // answers
	events chan string
	*Guest
}

// start starts the guest on an overlay of its image.
func start(t *testing.T, arguments ...string) *machine {
	t.Helper()
	guest := Build(t)
	m := &machine{t: t, dir: t.TempDir(), told: make(chan map[string]any, 10), events: make(chan string, 100), Guest: guest}
	env, err := child.Environment{}.List()
	if err != nil {
		t.Fatal(err)
	}
	overlay := filepath.Join(m.dir, "overlay.qcow2")
	if err := child.Command(t.Context(), env, "qemu-img", "create", "-q", "-f", "qcow2", "-b", guest.Image, "-F", "qcow2", overlay).Run(); err != nil {
		t.Fatal("make an overlay: ", err)
	}
	qemu := child.Command(testtime.Context(t), env, "qemu-system-x86_64", append([]string{
		"-nodefaults", "-no-user-config", "-machine", "q35", "-display", "none", "-m", strconv.Itoa(MemoryMB), "-accel", "tcg", "-cpu", "max",
		"-kernel", guest.Kernel, "-initrd", guest.Initrd, "-append", guest.Append, "-action", "panic=none",
		"-drive", "file=" + overlay + ",format=qcow2,if=virtio", "-device", "virtio-net-pci,netdev=net,romfile=",
		"-netdev", "user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:0-:" + strconv.Itoa(Port),
		"-device", "pvpanic-pci", "-serial", "file:" + m.console(), "-qmp", "stdio",
	}, arguments...)...)
	qemu.Stderr = os.Stderr
	out, err := qemu.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := qemu.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	m.ask = in
	if err := qemu.Start(); err != nil {
		t.Fatal(err)
	}
	listened := make(chan struct{})
	go func() {
		defer close(listened)
		m.listen(out)
	}()
	t.Cleanup(func() {
		qemu.Process.Kill()
		<-listened
		qemu.Wait()
		if t.Failed() {
			text, _ := os.ReadFile(m.console())
			t.Logf("the console: %s", text)
		}
	})
	m.command("qmp_capabilities", nil)
	return m
}

func (m *machine) console() string { return filepath.Join(m.dir, "console") }

// listen tells answers and events apart.
func (m *machine) listen(from io.Reader) {
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		var said map[string]any
		if json.Unmarshal(lines.Bytes(), &said) != nil {
			continue
		}
		if event, ok := said["event"].(string); ok {
			m.events <- event
		} else if said["QMP"] == nil {
			m.told <- said
		}
	}
	close(m.events)
}

func (m *machine) command(name string, arguments map[string]any) any {
	m.t.Helper()
	order := map[string]any{"execute": name}
	if arguments != nil {
		order["arguments"] = arguments
	}
	if err := json.NewEncoder(m.ask).Encode(order); err != nil {
		m.t.Fatal(err)
	}
	select {
	case said := <-m.told:
		if said["error"] != nil {
			m.t.Fatalf("%s: %v", name, said["error"])
		}
		return said["return"]
	case <-testtime.Context(m.t).Done():
		m.t.Fatalf("%s: no answer", name)
	}
	return nil
}

// await waits for an event of QEMU's; others before it do not matter.
func (m *machine) await(event string) {
	m.t.Helper()
	for {
		select {
		case e, ok := <-m.events:
			if e == event {
				return
			}
			if !ok {
				m.t.Fatalf("QEMU ended; want it to tell %s", event)
			}
		case <-testtime.Context(m.t).Done():
			m.t.Fatalf("no %s", event)
		}
	}
}

var forwarded = regexp.MustCompile(`TCP\[HOST_FORWARD\] +\d+ +127\.0\.0\.1 +(\d+)`)

// client is a new client of the guest, without connections of a boot before; it asks QEMU for the port that it has chosen.
func (m *machine) client() *remote.WinRM {
	m.t.Helper()
	said := m.command("human-monitor-command", map[string]any{"command-line": "info usernet"})
	port := forwarded.FindStringSubmatch(said.(string))
	if port == nil {
		m.t.Fatalf("got %v, want a forwarded port", said)
	}
	client, err := remote.New(m.Endpoint("127.0.0.1:"+port[1]), remote.Options{})
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { client.Close() })
	return client
}

var answers = regexp.MustCompile(`guest: WinRM answers at \S+, boot (\S+), up for (\S+) s\n`)

// up waits until the guest is up in another boot, and returns its id. The console tells of it: who tries too early to connect
// waits for longer than the boot takes.
func (m *machine) up(before string) (boot string) {
	m.t.Helper()
	testtime.Await(m.t, "the guest to answer", func() bool {
		text, _ := os.ReadFile(m.console())
		boots := answers.FindAllStringSubmatch(strings.ReplaceAll(string(text), "\r", ""), -1)
		if len(boots) > 0 {
			boot = boots[len(boots)-1][1]
		}
		return boot != before
	})
	return boot
}

func (m *machine) run(client *remote.WinRM, line string) (out string, exit int) {
	m.t.Helper()
	shell, err := client.Shell(m.t.Context(), remote.ShellOptions{})
	if err != nil {
		m.t.Fatal(err)
	}
	defer shell.Close(m.t.Context())
	r, err := shell.Run(m.t.Context(), remote.CommandLine{Line: line}, nil)
	if err != nil {
		m.t.Fatalf("%s: %v", line, err)
	}
	return strings.TrimSpace(string(r.Stdout) + string(r.Stderr)), int(r.ExitCode)
}

// order gives a command that ends the guest: its answer may be lost.
func (m *machine) order(client *remote.WinRM, line string) {
	if shell, err := client.Shell(m.t.Context(), remote.ShellOptions{}); err == nil {
		shell.Run(m.t.Context(), remote.CommandLine{Line: line}, nil)
	}
}

func TestGuest(t *testing.T) {
	begun := time.Now()
	m := start(t)
	first := m.up("")
	client := m.client()
	t.Logf("WinRM answers after %s", time.Since(begun).Round(10*time.Millisecond))

	for _, c := range []struct {
		line, out string
		exit      int
	}{
		{"echo up", "up", 0},
		{"cmd.exe /c echo up", "up", 0},
		{"boot-id", first, 0},
		{"exists x", "stat /disk/x: no such file or directory", 1},
		{"absent x", "", 0},
		{"write x some text", "", 0},
		{"read x", "some text", 0},
		{`exists C:\x`, "", 0},
		{"absent x", "x is there", 1},
		{"read what", "the disk of a minimal guest", 0},
		{"write ..", "expected the name of a file", 1},
		{"console of the test", "", 0},
		{"set-date 2000000000", "", 0},
	} {
		if out, exit := m.run(client, c.line); out != c.out || exit != c.exit {
			t.Errorf("%s: got %q and %d, want %q and %d", c.line, out, exit, c.out, c.exit)
		}
	}
	if out, _ := m.run(client, "date"); len(out) != 10 || out < "2000000000" {
		t.Errorf("date: got %s, want 2000000000 or a little later", out)
	}
	if text, err := os.ReadFile(m.console()); err != nil || !strings.Contains(string(text), "guest: of the test") {
		t.Errorf("the console: got %q, %v; want what was written on it", text, err)
	}

	m.order(client, "crash")
	m.await("GUEST_PANICKED")
	m.await("RESET")
	second := m.up(first)
	client = m.client()
	if out, exit := m.run(client, "read x"); out != "some text" || exit != 0 {
		t.Errorf("after the crash: got file %q, %d; want it as it was", out, exit)
	}

	m.order(client, "reboot")
	m.await("RESET")
	third := m.up(second)
	client = m.client()

	m.order(client, "hang")
	testtime.Await(t, "the guest to hang", func() bool {
		text, _ := os.ReadFile(m.console())
		return strings.Contains(string(text), "guest: hang")
	})
	m.command("inject-nmi", nil)
	m.await("GUEST_PANICKED")
	m.up(third)

	m.command("system_powerdown", nil)
	m.await("POWERDOWN")
	m.await("SHUTDOWN")
}

// TestSnapshot shows that a machine with the guest can be saved and loaded: the disk is a real one.
func TestSnapshot(t *testing.T) {
	m := start(t)
	boot := m.up("")
	client := m.client()
	m.command("human-monitor-command", map[string]any{"command-line": "savevm clean"})
	if out, exit := m.run(client, "write x text"); exit != 0 {
		t.Fatalf("write: got %q and %d, want 0", out, exit)
	}
	m.command("human-monitor-command", map[string]any{"command-line": "loadvm clean"})
	client = m.client()
	if again, _ := m.run(client, "boot-id"); again != boot {
		t.Errorf("got boot %s, want %s", again, boot)
	}
	if out, exit := m.run(client, "absent x"); exit != 0 {
		t.Errorf("absent: got %q and %d, want 0", out, exit)
	}
}
