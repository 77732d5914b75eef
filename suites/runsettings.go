package suites

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"wskharness/driver/abi"
	"wskharness/strictyaml"
	"wskharness/suites/output"
)

const (
	maxVariables     = 64
	maxVariableChars = 4000
	maxExits         = 32
)

// variableName is what an environment variable may be called here. Windows takes others, with blanks and brackets in them;
// '=' ends one.
var variableName = regexp.MustCompile(`^[^=\x00-\x1f]{1,255}$`)

// environment reads {NAME: text, OTHER: null}, the variables that the program gets and those that are taken from it.
func (p *caseParser) environment(g *generic, n *node) {
	if n == nil {
		return
	}
	const want = "{NAME: text}, or {NAME: null} to take it out"
	if n.Kind != strictyaml.MappingKind || len(n.Pairs) == 0 || len(n.Pairs) > maxVariables {
		is := n.CountOrKind()
		if n.Kind == strictyaml.MappingKind {
			is = fmt.Sprintf("a mapping of %d", len(n.Pairs))
		}
		p.r.At(n, fmt.Sprintf("1 to %d of %s", maxVariables, want), "run: env is %s", is)
		return
	}
	seen := map[string]int{}
	for _, pair := range n.Pairs {
		name, value := pair.Key.Text, pair.Value
		what := "run: env: " + name
		switch line, twice := seen[strings.ToUpper(name)]; {
		case !variableName.MatchString(name):
			p.r.At(pair.Key, "a name without =", "run: env has %s", pair.Key.Describe())
		case twice:
			p.r.At(pair.Key, "each name once, whatever its case", "run: env has %q on line %d already", name, line)
		case value.Kind == strictyaml.ScalarKind && value.IsNull():
			g.texts = append(g.texts, "unset", name)
		default:
			if text, ok := p.variable(value, what); ok {
				g.texts = append(g.texts, "env", name+"="+text)
			}
		}
		seen[strings.ToUpper(name)] = pair.Key.Line
	}
}

func (p *caseParser) variable(n *node, what string) (string, bool) {
	if n.Plain && n.Tag == "!!bool" {
		p.r.At(n, `a text in quotes, such as "`+n.Text+`"`, "%s is %s", what, n.Describe())
		return "", false
	}
	text, ok := p.r.Raw(n, what)
	if ok && (text != "" && !plainText.MatchString(text) || len(text) > maxVariableChars) {
		p.r.At(n, fmt.Sprintf("a text of one line and at most %d characters, or null", maxVariableChars), "%s is %s", what, n.Describe())
		return "", false
	}
	return text, ok
}

// input reads what the program's standard input is.
func (p *caseParser) input(g *generic, n *node) {
	const want = "{text: …}, {utf16: …}, {hex: digits} or {file: a path in the guest}"
	switch {
	case n == nil:
		return
	case n.Kind != strictyaml.MappingKind || len(n.Pairs) != 1 || !slices.Contains([]string{"text", "utf16", "hex", "file"}, n.Pairs[0].Key.Text):
		p.r.At(n, want, "run: stdin is %s", n.CountOrKind())
		return
	case n.Pairs[0].Key.Text == "file":
		if file, ok := p.guestPath(n.Pairs[0].Value, "run: stdin: file"); ok {
			g.run.input = where(file)
			g.texts = append(g.texts, "input-file", file)
		}
		return
	}
	digits, ok := output.ReadDigits(p.r.Reporter, n, "run: stdin", false, want)
	if ok && digits != "" {
		g.run.input = fmt.Sprintf("%d bytes", len(digits)/2)
		g.texts = append(g.texts, "input", digits)
	}
}

// exitCode reads an exit code, which people also write as the negative number that it is to C.
func (p *caseParser) exitCode(n *node, what string) (uint64, bool) {
	if n.Kind == strictyaml.ScalarKind && strings.HasPrefix(n.Text, "-") {
		code, err := strconv.ParseInt(n.Text, 10, 64)
		if err == nil && code >= math.MinInt32 {
			return uint64(uint32(code)), true
		}
	}
	return p.r.Number(n, what, 0, math.MaxUint32)
}

// exits reads a list of the exit codes that will do. The agent is given the list, and says whether the code is in it; the
// controller looks for itself.
func (p *caseParser) exits(s *Step, f checkForm, n *node, what string) {
	if len(n.Items) == 0 || len(n.Items) > maxExits {
		p.r.At(n, fmt.Sprintf("a number, or a list of 1 to %d", maxExits), "%s is %s", what, n.CountOrKind())
		return
	}
	var codes []uint64
	var words []string
	for _, item := range n.Items {
		code, ok := p.exitCode(item, what)
		if !ok {
			return
		}
		if slices.Contains(codes, code) {
			p.r.At(item, "each code once", "%s has %s twice", what, item.Text)
			return
		}
		codes, words = append(codes, code), append(words, f.value.format(code))
	}
	want := strings.Join(words, " or ")
	s.Checks = append(s.Checks, Check{Name: f.name, Want: want, Text: f.subject() + " " + want, subject: f.subject(), value: f.value, oneOf: codes,
		conds: []condition{{value: f.value.index + abi.PlanValueRunListed - abi.PlanValueRunExit, compare: abi.EQ, want: 1}}})
}

// listExits gives the agent the lists of exit codes that are among the checks.
func (g *generic) listExits(checks []Check) {
	for _, c := range checks {
		for _, code := range c.oneOf {
			g.texts = append(g.texts, "exit", strconv.FormatUint(code, 10))
		}
	}
}

// listed judges a value that has to be one of those that the check names. What the agent says of it has to agree.
func (j *judgement) listed(c *Check) {
	claim := c.conds[0]
	if max(int(c.value.index), int(claim.value)) >= len(j.result.Values) {
		j.add(KindReport, "", c.Text, "not reported", fmt.Sprintf("%s: expected %s, but the guest did not report it", c.subject, c.Want))
		return
	}
	got := j.result.Values[c.value.index]
	switch is := slices.Contains(c.oneOf, got); {
	case !is:
		j.add(KindValue, c.value.name, c.Text, c.subject+" "+c.actual(got)+j.hint(), fmt.Sprintf("%s: expected %s, got %s%s", c.subject, c.Want, c.actual(got), j.hint()))
	case !claim.holds(j.result.Values[claim.value]):
		j.add(KindReport, "", c.Text, "said to be another", fmt.Sprintf("%s: the guest reported %s, and that it is not %s", c.subject, c.actual(got), c.Want))
	}
}
