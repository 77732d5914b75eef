package settings

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"wskharness/strictyaml"
)

// command reads a program and its arguments, of which each is a word of its own, taken as it is. Most people think in a
// shell's lines: what only a shell would understand is told before it ends as an argument of make.
func (r *Reader) command(n *strictyaml.Node, what string) []string {
	if n.Kind == strictyaml.ScalarKind && !n.IsNull() {
		r.At(n, "a list: ["+strings.Join(strings.Fields(n.Text), ", ")+"]; or ["+shellWords+"]", "%s is %s, and there is no shell to take it apart", what, n.Describe())
		return nil
	}
	var words []string
	for _, item := range r.Items(n, what) { // words may repeat
		word, ok := r.Line(item, "a word of "+what)
		if !ok {
			continue
		}
		words = append(words, word)
		if meant := shellMeant(words); meant != "" {
			r.At(item, "["+shellWords+"]", "%s: %s %s, and there is no shell", what, item.Describe(), meant)
		}
	}
	return words
}

const shellWords = "sh, -c, 'the whole line'"

var (
	shells      = []string{"sh", "bash", "dash", "zsh", "ksh", "fish", "busybox", "pwsh", "cmd.exe"}
	builtins    = []string{"cd", "export", "source", ".", "set", "unset", "alias", "eval", "exec", "if", "for", "while", "umask", "ulimit"}
	operator    = regexp.MustCompile(`^(&&|\|\|?|;|&|[0-9]?>{1,2}(&[0-9])?|<{1,3}|&>|\|&)$|^([0-9]?>{1,2}|&>)[A-Za-z0-9_./&-]+$`)
	assignment  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=`)
	replacement = regexp.MustCompile(`^(~(/.*)?|\$[A-Za-z_][A-Za-z0-9_]*(/.*)?|\$\{[A-Za-z_][A-Za-z0-9_]*\}.*)$`)
	pattern     = regexp.MustCompile(`^[A-Za-z0-9_./-]*\*[A-Za-z0-9_./*-]*$`)
)

// shellMeant says what a shell would do with the last of some words that nobody does here; "" for a plain word.
func shellMeant(words []string) string {
	last := words[len(words)-1]
	program := path.Base(words[0])
	if len(words) == 1 {
		switch {
		case slices.Contains(builtins, last):
			return "is a command of a shell"
		case assignment.MatchString(last):
			return "sets a variable (build_env, and env of power, pass on one; [env, NAME=value, program] sets one)"
		case strings.ContainsAny(last, "|&;<>"), strings.ContainsAny(last, " \t") && !strings.Contains(last, "/"):
			return "is a whole line"
		}
	}
	switch {
	case slices.Contains(shells, program):
		return ""
	case last == ";" && program == "find":
		return ""
	case operator.MatchString(last):
		return "is an operator of a shell"
	case replacement.MatchString(last):
		return "is replaced by a shell"
	case pattern.MatchString(last) && program != "find" && len(words) > 1 && !strings.HasPrefix(words[len(words)-2], "-"):
		return "is a pattern for a shell"
	}
	return ""
}
