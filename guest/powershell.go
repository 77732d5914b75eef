package guest

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"

	"wskharness/guest/untrusted"
)

// The agent goes through PowerShell's standard input as lines of base64, which PowerShell hands to
// the script one by one as pipeline input: neither side ever holds more than a few of them. Raw
// bytes would not do: powershell.exe itself reads a redirected standard input as text, whatever the
// script does.
//
// The script keeps to what PowerShell 2 and .NET 2 have. It makes the harness's home for
// administrators and the system only, because the agent runs as a service from there; writes to a
// temporary name; checks size and SHA-256; renames; and says so in words that nothing else prints.
const (
	receiveScript = `begin {
  $ErrorActionPreference = 'Stop'
  $ProgressPreference = 'SilentlyContinue'
  $path = '@PATH@'
  $part = $path + '.boot'
  $size = [long]@SIZE@
  $want = '@SHA256@'
  $got = [long]0
  $out = $null
  $sha = [Security.Cryptography.SHA256]::Create()
  function Fail($why) {
    if ($out) { $out.Dispose() }
    [Console]::Out.WriteLine('@WORD@ failed: ' + $why)
    exit 1
  }
  try {
    $acl = New-Object Security.AccessControl.DirectorySecurity
    $acl.SetSecurityDescriptorSddlForm('D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)', 'Access')
    [void][IO.Directory]::CreateDirectory('@HOME@')
    [IO.Directory]::SetAccessControl('@HOME@', $acl)
    [void][IO.Directory]::CreateDirectory([IO.Path]::GetDirectoryName($path))
    $out = New-Object IO.FileStream($part, 'Create', 'Write', 'None')
  } catch { Fail $_.Exception.Message }
}
process {
  try {
    $bytes = [Convert]::FromBase64String([string]$_)
    $got += $bytes.Length
    if ($got -gt $size) { Fail 'more came than was announced' }
    [void]$sha.TransformBlock($bytes, 0, $bytes.Length, $null, 0)
    $out.Write($bytes, 0, $bytes.Length)
  } catch { Fail $_.Exception.Message }
}
end {
  try {
    [void]$sha.TransformFinalBlock((New-Object byte[] 0), 0, 0)
    $out.Dispose()
    $is = [BitConverter]::ToString($sha.Hash).Replace('-', '').ToLower()
    if ($got -ne $size -or $is -ne $want) {
      [IO.File]::Delete($part)
      Fail ('{0} bytes with SHA-256 {1} came' -f $got, $is)
    }
    [IO.File]::Delete($path)
    [IO.File]::Move($part, $path)
    [Console]::Out.WriteLine('@WORD@ done: ' + $is)
  } catch { Fail $_.Exception.Message }
}
`
	receiveWord = "wskharness-receive"

	// What cmd.exe takes as one line is 8191 characters (Microsoft, "Command prompt line string
	// limitation").
	cmdLineMax = 8191

	base64Line = 12 << 10 // bytes of the file in one line: 16 KiB of text
)

// receiveScriptFor fills the script in. Path and hash are the harness's own: nothing in them needs
// escaping in a PowerShell string, and that is checked.
func receiveScriptFor(path string, size int64, sha256 string) (string, error) {
	for _, s := range []string{path, sha256} {
		if strings.ContainsAny(s, "'\u2018\u2019\u201a\u201b\n") {
			return "", fmt.Errorf("%q can't be quoted for PowerShell", s)
		}
	}
	return strings.NewReplacer("@PATH@", path, "@SIZE@", strconv.FormatInt(size, 10), "@SHA256@", sha256,
		"@HOME@", Home, "@WORD@", receiveWord).Replace(receiveScript), nil
}

// squeeze takes out what PowerShell does not need: the line has to fit cmd.exe.
func squeeze(script string) string {
	var b strings.Builder
	for l := range strings.Lines(script) {
		if l = strings.TrimSpace(l); l != "" {
			b.WriteString(l + "\n")
		}
	}
	return b.String()
}

// powerShellLine is the command line that runs a script: in base64 of UTF-16, as -EncodedCommand
// wants it.
func powerShellLine(script string) (string, error) {
	var raw []byte
	for _, u := range utf16.Encode([]rune(squeeze(script))) {
		raw = binary.LittleEndian.AppendUint16(raw, u)
	}
	line := "powershell.exe -NoLogo -NoProfile -NonInteractive -ExecutionPolicy Bypass -InputFormat Text -EncodedCommand " +
		base64.StdEncoding.EncodeToString(raw)
	if len(line) > cmdLineMax-200 { // for what the server puts around it
		return "", fmt.Errorf("the script makes a line of %d characters, more than cmd.exe takes", len(line))
	}
	return line, nil
}

// receiveByPowerShell has never been run against a real PowerShell by the project's own tests,
// which have no Windows: they hold script, encoding and framing to what is documented.
func (g *Guest) receiveByPowerShell(ctx context.Context, image []byte) error {
	script, err := receiveScriptFor(g.exe, int64(len(image)), g.agent.SHA256)
	if err != nil {
		return err
	}
	line, err := powerShellLine(script)
	if err != nil {
		return err
	}
	result, err := g.runLine(ctx, line, base64Lines(image))
	if err != nil {
		return err
	}
	out := untrusted.Printable(result.Stdout)
	if result.ExitCode == 0 && strings.Contains(out, receiveWord+" done: "+g.agent.SHA256) {
		return nil
	}
	if _, why, ok := strings.Cut(out, receiveWord+" failed: "); ok {
		return fmt.Errorf("PowerShell: %s", untrusted.Clip(why, 500))
	}
	return fmt.Errorf("PowerShell ended with exit code %d and without a word about the file; output %q, errors %q",
		result.ExitCode, untrusted.Clip(out, 200), untrusted.Clip(untrusted.Printable(result.Stderr), 500))
}

// base64Lines gives data as lines of base64.
func base64Lines(data []byte) io.Reader {
	var readers []io.Reader
	for len(data) > 0 {
		n := min(base64Line, len(data))
		readers = append(readers, &base64LineReader{raw: data[:n]})
		data = data[n:]
	}
	return io.MultiReader(readers...)
}

// base64LineReader encodes its line when it is read.
type base64LineReader struct {
	raw  []byte
	text []byte
}

func (r *base64LineReader) Read(p []byte) (int, error) {
	if r.raw != nil {
		r.text = append(base64.StdEncoding.AppendEncode(nil, r.raw), '\r', '\n')
		r.raw = nil
	}
	if len(r.text) == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.text)
	r.text = r.text[n:]
	return n, nil
}
