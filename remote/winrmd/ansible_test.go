//go:build linux

package winrmd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"wskharness/child/childtest"
	"wskharness/remote/winrmd"
	"wskharness/remote/winrmd/winrmdtest"
)

// The client is Ansible's winrm connection with the cmd shell type, and its module raw: the others need a
// real PowerShell. Ansible itself writes down what it saw.
const ansiblePlaybook = `
- hosts: all
  gather_facts: false
  tasks:
    - {register: both, failed_when: false, raw: "echo out; echo err >&2; exit 3"}
    - {register: text, raw: "echo 'one & <two>' ü"}
    - {register: long, raw: "head -c 300000 /dev/zero | tr '\\0' x"}
    - {register: slow, raw: "sleep 1.5; echo late"}
    - copy:
        content: "{{ {'both': both, 'text': text, 'long': long, 'slow': slow} | to_json }}"
        dest: "{{ report }}"
      delegate_to: localhost
      vars: {ansible_connection: local, ansible_shell_type: sh}
`

// Ansible's winrm connection runs every command through PowerShell -EncodedCommand, whatever the shell type.
// This stands in for it: it decodes the command, and lets sh run it.
const standInPowerShell = `#!/bin/sh
while [ $# -gt 2 ]; do shift; done
[ "$1" = -EncodedCommand ] || { echo "stand-in: not an encoded command: $*" >&2; exit 99; }
command=$(printf %s "$2" | base64 -d | iconv -f UTF-16LE -t UTF-8) || exit 98
exec /bin/sh -c "$command"
`

// encodedHost is LocalHost with the stand-in where commands are looked up.
type encodedHost struct{ dir string }

func newEncodedHost(t *testing.T) encodedHost {
	t.Helper()
	h := encodedHost{t.TempDir()}
	childtest.Program(t, filepath.Join(h.dir, "PowerShell"), standInPowerShell)
	return h
}

func (h encodedHost) Start(ctx context.Context, spec winrmd.Spec) (winrmd.Process, error) {
	spec.Env = maps.Clone(spec.Env)
	if spec.Env == nil {
		spec.Env = make(map[string]string)
	}
	spec.Env["PATH"] = h.dir + string(os.PathListSeparator) + os.Getenv("PATH")
	return winrmdtest.LocalHost{}.Start(ctx, spec)
}

type ansibleTask struct {
	RC             int
	Stdout, Stderr string
}

type ansibleReport struct{ Both, Text, Long, Slow ansibleTask }

// asked records the actions that a server was asked for.
type asked struct {
	mu      sync.Mutex
	actions map[string]int
}

func (a *asked) inject(r winrmd.Request) winrmd.InjectedFault {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.actions == nil {
		a.actions = make(map[string]int)
	}
	a.actions[r.Action]++
	return winrmd.InjectedFault{}
}

// runAnsible runs the playbook, or skips the test where Ansible is not installed. vars say how to connect.
func runAnsible(t *testing.T, vars map[string]any) ansibleReport {
	t.Helper()
	const playbook, python = "/usr/bin/ansible-playbook", "/usr/bin/python3"
	if _, err := os.Stat(playbook); err != nil {
		t.Skip("Ansible is not installed: make test-clients, or apt-get install ansible-core python3-winrm")
	}
	if err := exec.Command(python, "-c", "import winrm, xmltodict, ntlm_auth").Run(); err != nil {
		t.Skip("Ansible's winrm connection lacks its library: apt-get install python3-winrm python3-requests-ntlm")
	}
	dir := t.TempDir()
	all := map[string]any{
		"ansible_connection": "winrm", "ansible_shell_type": "cmd", "ansible_host": "127.0.0.1",
		"ansible_user": testUser, "ansible_password": testPassword, "report": filepath.Join(dir, "report.json"),
		"ansible_winrm_operation_timeout_sec": 1, "ansible_winrm_read_timeout_sec": 10,
	}
	maps.Copy(all, vars)
	inventory, err := json.Marshal(map[string]any{"all": map[string]any{
		"hosts": map[string]any{"guest": all, "localhost": map[string]any{}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{"play.yml": []byte(ansiblePlaybook), "inventory.json": inventory, "ansible.cfg": nil}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), playbook, "-i", "inventory.json", "--limit", "guest", "play.yml")
	cmd.Dir = dir
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { // what is set for people must not change the test
		return strings.HasPrefix(v, "ANSIBLE_") || strings.HasPrefix(v, "REQUESTS_CA_BUNDLE=") || strings.HasPrefix(v, "CURL_CA_BUNDLE=")
	})
	cmd.Env = append(cmd.Env, "no_proxy=*", "OPENSSL_CONF="+legacyOpenSSL(t), "HOME="+dir, "ANSIBLE_LOCAL_TEMP="+dir,
		"ANSIBLE_CONFIG="+filepath.Join(dir, "ansible.cfg"), "PYTHONWARNINGS=ignore", "LC_ALL=C.UTF-8")
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("ansible-playbook: %v\n%s", err, output)
	}
	report, err := os.ReadFile(filepath.Join(dir, "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	var got ansibleReport
	if err := json.NewDecoder(bytes.NewReader(report)).Decode(&got); err != nil {
		t.Fatalf("Ansible's report: %v\n%s", err, report)
	}
	return got
}

func TestAnsible(t *testing.T) {
	t.Parallel()
	want := ansibleReport{
		Both: ansibleTask{3, "out\n", "err\n"},
		Text: ansibleTask{0, "one & <two> ü\n", ""},
		Long: ansibleTask{0, strings.Repeat("x", 300000), ""},
		Slow: ansibleTask{0, "late\n", ""},
	}
	for _, tc := range []struct {
		name string
		vars func(endpoint) map[string]any
	}{
		{"BasicOverHTTPS", func(e endpoint) map[string]any {
			return map[string]any{"ansible_port": port(t, e.secure), "ansible_winrm_scheme": "https",
				"ansible_winrm_transport": "basic", "ansible_winrm_server_cert_validation": "ignore"}
		}},
		{"NTLMSealedOverHTTP", func(e endpoint) map[string]any {
			return map[string]any{"ansible_port": port(t, e.plain), "ansible_winrm_scheme": "http",
				"ansible_winrm_transport": "ntlm", "ansible_winrm_message_encryption": "always"}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var seen asked
			e := serve(t, winrmd.Options{Host: newEncodedHost(t), Inject: seen.inject})
			if diff := cmp.Diff(want, runAnsible(t, tc.vars(e))); diff != "" {
				t.Error("Ansible saw (-want +got):\n" + diff)
			}
			seen.mu.Lock()
			defer seen.mu.Unlock()
			if c := seen.actions; c["Create"] == 0 || c["Create"] != c["Delete"] || c["Command"] != 4 || c["Signal"] != 4 {
				t.Errorf("the endpoint was asked for %v: want 4 commands, each released, and every shell deleted", c)
			}
		})
	}
}

func port(t *testing.T, address string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	return port
}
