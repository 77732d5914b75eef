//go:build linux

package winrmd_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"wskharness/remote/winrmd"
)

// The script is the client: Debian's python3-winrm, an implementation that knows nothing of ours.
// Its version 0.3 cannot send input by itself, so the script builds that one message.
const pywinrmScript = `
import base64, json, sys, uuid, xmltodict
from winrm.protocol import Protocol

config = json.load(sys.stdin)
p = Protocol(operation_timeout_sec=1, read_timeout_sec=10, **config["protocol"])
out = {}
shell = p.open_shell(working_directory=config["dir"], env_vars={"WSK": "v&lue"}, codepage=65001)

def run(line, args=(), stdin=None):
    command = p.run_command(shell, line, args)
    if stdin is not None:
        req = {"env:Envelope": p._get_soap_header(
            resource_uri="http://schemas.microsoft.com/wbem/wsman/1/windows/shell/cmd",
            action="http://schemas.microsoft.com/wbem/wsman/1/windows/shell/Send", shell_id=shell)}
        req["env:Envelope"]["env:Body"] = {"rsp:Send": {"rsp:Stream": {
            "@Name": "stdin", "@CommandId": command, "@End": "true",
            "#text": base64.b64encode(stdin.encode()).decode()}}}
        p.send_message(xmltodict.unparse(req))
    o, e, code = p.get_command_output(shell, command)
    p.cleanup_command(shell, command)
    return {"out": o.decode(), "err": e.decode(), "code": code}

out["both"] = run("echo out; echo err >&2; exit 3")
out["args"] = run("echo", ["one", "two"])
out["env"] = run('echo "$WSK"; pwd')
out["stdin"] = run("cat", stdin="from the client")
out["unicode"] = run("echo grün 中文 😀", stdin=None)
out["slow"] = run("sleep 1.5; echo late")
try:
    p.run_command("00000000-0000-0000-0000-000000000000", "true")
    out["gone"] = "no fault"
except Exception as e:
    out["gone"] = "2150858843" in str(e)
p.close_shell(shell)
json.dump(out, sys.stdout)
`

type pywinrmRun struct {
	Out, Err string
	Code     int
}

type pywinrmReport struct {
	Both, Args, Env, Stdin, Slow, Unicode pywinrmRun
	Gone                                  bool
}

// runPywinrm runs the script, or skips the test where the client is not installed.
func runPywinrm(t *testing.T, dir string, protocol map[string]any) pywinrmReport {
	t.Helper()
	const python = "/usr/bin/python3"
	if err := exec.Command(python, "-c", "import winrm, xmltodict").Run(); err != nil {
		t.Skip("python3-winrm is not installed: apt-get install python3-winrm")
	}
	config, err := json.Marshal(map[string]any{"dir": dir, "protocol": protocol})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python, "-W", "ignore", "-c", pywinrmScript)
	cmd.Stdin = bytes.NewReader(config)
	// These would override what the script asks for.
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "REQUESTS_CA_BUNDLE=") || strings.HasPrefix(v, "CURL_CA_BUNDLE=")
	})
	cmd.Env = append(cmd.Env, "no_proxy=*", "OPENSSL_CONF="+legacyOpenSSL(t))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	output, err := cmd.Output()
	if err != nil {
		t.Fatalf("pywinrm: %v\n%s", err, stderr.Bytes())
	}
	var report pywinrmReport
	if err := json.Unmarshal(output, &report); err != nil {
		t.Fatalf("pywinrm: %v\n%s", err, output)
	}
	return report
}

// legacyOpenSSL makes MD4 available, without which there is no NTLM: the client takes it from
// OpenSSL, which has moved it to a part that is off by default.
func legacyOpenSSL(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "openssl.cnf")
	config := "openssl_conf = init\n[init]\nproviders = sect\n[sect]\ndefault = on\nlegacy = on\n[on]\nactivate = 1\n"
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func wantPywinrm(dir string) pywinrmReport {
	return pywinrmReport{
		Both:    pywinrmRun{"out\n", "err\n", 3},
		Args:    pywinrmRun{"one two\n", "", 0},
		Env:     pywinrmRun{"v&lue\n" + dir + "\n", "", 0},
		Stdin:   pywinrmRun{"from the client", "", 0},
		Slow:    pywinrmRun{"late\n", "", 0},
		Unicode: pywinrmRun{Out: "grün 中文 😀\n"},
		Gone:    true,
	}
}

func TestPywinrmBasicOverHTTPS(t *testing.T) {
	t.Parallel()
	e := serve(t, winrmd.Options{})
	dir := t.TempDir()
	got := runPywinrm(t, dir, map[string]any{
		"endpoint": "https://" + e.secure + "/WSMAN/", "transport": "basic", "username": testUser + "@example.org",
		"password": testPassword, "server_cert_validation": "ignore",
	})
	if diff := cmp.Diff(wantPywinrm(dir), got); diff != "" {
		t.Error("pywinrm saw (-want +got):\n" + diff)
	}
}

func TestPywinrmNTLMSealedOverHTTP(t *testing.T) {
	t.Parallel()
	e := serve(t, winrmd.Options{})
	dir := t.TempDir()
	got := runPywinrm(t, dir, map[string]any{
		"endpoint": "http://" + e.plain + "/wsman?PSVersion=5.1", "transport": "ntlm", "username": testUser + "@example.org",
		"password": testPassword, "message_encryption": "always",
	})
	if diff := cmp.Diff(wantPywinrm(dir), got); diff != "" {
		t.Error("pywinrm saw (-want +got):\n" + diff)
	}
}

func TestPywinrmNTLMOverHTTPS(t *testing.T) {
	t.Parallel()
	e := serve(t, winrmd.Options{})
	dir := t.TempDir()
	got := runPywinrm(t, dir, map[string]any{
		"endpoint": "https://" + e.secure + "/wsman", "transport": "ntlm", "username": "DOMAIN\\" + testUser,
		"password": testPassword, "server_cert_validation": "ignore",
	})
	if diff := cmp.Diff(wantPywinrm(dir), got); diff != "" {
		t.Error("pywinrm saw (-want +got):\n" + diff)
	}
}
