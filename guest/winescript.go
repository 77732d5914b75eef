package guest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"wskharness/remote"
)

// A bare Wine guest has neither PowerShell nor certutil, and its WScript has no standard input. What
// works on Wine 8.0 is this: cmd.exe reads lines from its standard input and echoes them into files,
// first a JScript program, then the agent in hex; cscript runs the program, which turns hex into
// characters and writes them through FileSystemObject, whose text files are in code page 1252, one
// byte a character. Whether that was so the agent itself says afterwards, with its own hash.
//
// The program goes through echo, so it does without what cmd.exe would interpret: no less or greater,
// no ampersand, bar, caret or percent.
const (
	decodeScript = `var fs = new ActiveXObject("Scripting.FileSystemObject");
var odd = "\u20ac\u0081\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u008d\u017d\u008f" +
"\u0090\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u009d\u017e\u0178";
var hex = fs.OpenTextFile("@HEX@", 1);
var out = fs.CreateTextFile("@BOOT@", true, false);
while (!hex.AtEndOfStream) {
var line = hex.ReadLine(), text = "";
for (var i = 0; i != line.length; i += 2) {
var b = parseInt(line.substr(i, 2), 16);
text += Math.floor(b / 32) == 4 ? odd.charAt(b - 128) : String.fromCharCode(b);
}
out.Write(text);
}
out.Close();
hex.Close();
var size = fs.GetFile("@BOOT@").Size;
if (size == @SIZE@) WScript.Echo("@WORD@ done: " + size);
else WScript.Echo("@WORD@ failed: " + size + " bytes were written");
`
	hexLine = 900 // bytes of the agent in one line; Wine 8.0 takes some 4000 characters from a pipe
)

// decodeLines is what cmd.exe is told.
func decodeLines(exe string, image []byte) io.Reader {
	folder := exe[:strings.LastIndexByte(exe, '\\')]
	script, hex, boot := exe+".js", exe+".hex", exe+".boot"
	program := strings.NewReplacer("@HEX@", strings.ReplaceAll(hex, `\`, `\\`), "@BOOT@", strings.ReplaceAll(boot, `\`, `\\`),
		"@SIZE@", strconv.Itoa(len(image)), "@WORD@", receiveWord).Replace(decodeScript)
	var begin strings.Builder
	fmt.Fprintf(&begin, "md %s\r\ndel /q %s %s %s\r\n", folder, script, hex, boot)
	for l := range strings.Lines(program) {
		fmt.Fprintf(&begin, "echo %s>>%s\r\n", strings.TrimSpace(l), script)
	}
	end := fmt.Sprintf("cscript.exe //nologo %s\r\nmove /y %s %s\r\ndel /q %s %s\r\nexit 0\r\n", script, boot, exe, script, hex)
	readers := []io.Reader{strings.NewReader(begin.String())}
	for len(image) > 0 {
		n := min(hexLine, len(image))
		readers = append(readers, &hexReader{raw: image[:n], to: hex})
		image = image[n:]
	}
	return io.MultiReader(append(readers, strings.NewReader(end))...)
}

// hexReader makes its line when it is read.
type hexReader struct {
	raw  []byte
	to   string
	text string
}

func (r *hexReader) Read(p []byte) (int, error) {
	if r.raw != nil {
		r.text = fmt.Sprintf("echo %x>>%s\r\n", r.raw, r.to)
		r.raw = nil
	}
	if r.text == "" {
		return 0, io.EOF
	}
	n := copy(p, r.text)
	r.text = r.text[n:]
	return n, nil
}

func (g *Guest) receiveByScript(ctx context.Context, image []byte) error {
	g.mu.Lock()
	shell := g.shell
	g.mu.Unlock()
	result, err := shell.Run(ctx, remote.CommandLine{Line: "cmd.exe /q"}, decodeLines(g.exe, image))
	if err != nil {
		return err
	}
	out := printable(result.Stdout)
	if _, why, ok := strings.Cut(out, receiveWord+" failed: "); ok {
		return fmt.Errorf("cscript: %s; its code page may not be 1252", clip(why, 500))
	}
	if !strings.Contains(out, receiveWord+" done: ") {
		return fmt.Errorf("cmd.exe ended with exit code %d and without a word about the file; output %q, errors %q",
			result.ExitCode, clip(out, 500), clip(printable(result.Stderr), 500))
	}
	if _, err := g.probe(ctx); err != nil {
		_, cleanup := shell.Run(ctx, remote.CommandLine{Line: "del /q " + g.exe}, nil)
		return errors.Join(fmt.Errorf("what was written does not answer as the agent: %w", err), cleanup)
	}
	return nil
}
