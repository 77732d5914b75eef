package child

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// setLine gives cmd.exe its command as it reads one. Behind /c it takes off the first quote and the last, unless there are just these two
// (cmd /?), and knows no \": so what os/exec makes of several arguments with blanks in them is another command. With /s it takes them off
// always, and leaves alone what is between.
func setLine(cmd *exec.Cmd) {
	if line := lineOf(cmd.Args); line != "" {
		if cmd.SysProcAttr == nil {
			cmd.SysProcAttr = &syscall.SysProcAttr{}
		}
		cmd.SysProcAttr.CmdLine = line
	}
}

// lineOf is the line for cmd.exe with these arguments; empty where what os/exec makes of them will do. A command in one argument is the
// user's own line, with his own quotes.
func lineOf(args []string) string {
	name := strings.ToLower(filepath.Base(args[0]))
	at := slices.IndexFunc(args, func(arg string) bool { return strings.EqualFold(arg, "/c") })
	if name != "cmd" && name != "cmd.exe" || at < 0 || at == len(args)-1 {
		return ""
	}
	command := args[at+1:]
	if len(command) == 1 && !strings.Contains(command[0], `"`) {
		return ""
	}
	line := command[0]
	if len(command) > 1 {
		line = quoted(command)
	}
	return quoted(args[:at]) + ` /s /c "` + line + `"`
}

// quoted are arguments as os/exec joins them.
func quoted(args []string) string {
	var all []string
	for _, arg := range args {
		all = append(all, syscall.EscapeArg(arg))
	}
	return strings.Join(all, " ")
}
