package guest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"wskharness/guest/untrusted"
)

// A bare Wine guest has neither PowerShell nor certutil, its WScript has no standard input, and its
// cmd.exe loses lines that come through a pipe. What works on Wine 8.0 is this: command lines that
// echo the agent, in hex, piece by piece into a file; and a JScript program, echoed into a file too,
// that turns hex into characters and writes them through FileSystemObject, whose text files are in
// code page 1252, one byte a character. Whether that was so the agent itself says afterwards, with
// its own hash.
//
// The program goes through echo, so it does without what cmd.exe would interpret: no less or greater,
// no ampersand, bar, caret, percent or double quote.
const (
	decodeScript = `var fs = new ActiveXObject('Scripting.FileSystemObject');
var odd = '\u20ac\u0081\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u008d\u017d\u008f' +
'\u0090\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u009d\u017e\u0178';
var hex = fs.OpenTextFile('@HEX@', 1);
var out = fs.CreateTextFile('@BOOT@', true, false);
while (!hex.AtEndOfStream) {
var line = hex.ReadLine(), text = '';
for (var i = 0; i != line.length; i += 2) {
var b = parseInt(line.substr(i, 2), 16);
text += Math.floor(b / 32) == 4 ? odd.charAt(b - 128) : String.fromCharCode(b);
}
out.Write(text);
}
out.Close();
hex.Close();
var size = fs.GetFile('@BOOT@').Size;
if (size == @SIZE@) WScript.Echo('@WORD@ done: ' + size);
else WScript.Echo('@WORD@ failed: ' + size + ' bytes were written');
`
	hexPiece = 3900 // bytes of the agent in one command line, which has at most 8191 characters; paths need some
)

// decodeCommands are the command lines to run one after the other. The last but one reports.
func decodeCommands(exe string, image []byte) []string {
	folder := exe[:strings.LastIndexByte(exe, '\\')]
	script, hex, boot := exe+".js", exe+".hex", exe+".boot"
	program := strings.NewReplacer("@HEX@", strings.ReplaceAll(hex, `\`, `\\`), "@BOOT@", strings.ReplaceAll(boot, `\`, `\\`),
		"@SIZE@", strconv.Itoa(len(image)), "@WORD@", receiveWord).Replace(decodeScript)
	var echoes []string
	for l := range strings.Lines(program) {
		echoes = append(echoes, fmt.Sprintf("echo %s>>%s", strings.TrimSpace(l), script))
	}
	lines := []string{
		fmt.Sprintf("md %s 2>nul & del /q %s %s %s 2>nul", folder, script, hex, boot),
		strings.Join(echoes, "&"),
	}
	for rest := image; len(rest) > 0; {
		n := min(hexPiece, len(rest))
		lines = append(lines, fmt.Sprintf("echo %x>>%s", rest[:n], hex))
		rest = rest[n:]
	}
	return append(lines,
		"cscript.exe //nologo "+script,
		fmt.Sprintf("move /y %s %s & del /q %s %s", boot, exe, script, hex))
}

func (g *Guest) receiveByScript(ctx context.Context, image []byte) error {
	lines := decodeCommands(g.exe, image)
	for i, l := range lines {
		result, err := g.runLine(ctx, l, nil)
		if err != nil {
			return err
		}
		reports := i == len(lines)-2
		if out := untrusted.Printable(result.Stdout); reports && !strings.Contains(out, receiveWord+" done: ") {
			return fmt.Errorf("cscript, which must have code page 1252, ended with exit code %d, output %q, errors %q",
				result.ExitCode, untrusted.Clip(out, 300), untrusted.Clip(untrusted.Printable(result.Stderr), 500))
		}
	}
	if _, err := g.probe(ctx); err != nil {
		_, cleanup := g.runLine(ctx, "del /q "+g.exe, nil)
		return errors.Join(fmt.Errorf("what was written does not answer as the agent: %w", err), cleanup)
	}
	return nil
}
