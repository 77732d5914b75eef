package suites

import (
	"path"
	"path/filepath"
	"strings"

	"wskharness/driver/abi"
	"wskharness/guest/winname"
)

// agentHome is where the agent lives in a guest.
const agentHome = `c:\wskharness`

func (p *caseParser) upload(s *Step, g *generic, given map[string]*node, words *sentence) {
	text, ok := p.text(given["file"], "upload: file")
	if !ok {
		return
	}
	g.files = []localFile{{path: p.localPath(text)}}
	to := filepath.Base(text)
	if n := given["to"]; n != nil {
		to, _ = p.guestPath(n, "upload: to")
	} else if err := winname.Check(to); err != nil {
		p.r.At(given["file"], "to: a path in the guest", "%q can't be a file's name in the guest: %v", to, err)
	}
	if ofAgent(to) {
		p.r.At(given["to"], "another place", "upload: %s is the agent's own", to)
	}
	if s.args[0]&abi.PlanUploadReplace != 0 && !absolute(to) {
		p.r.At(given["replace"], "replace with an absolute path", "upload: what is in the case's own folder makes way without a word")
	}
	g.texts = []string{"", to}
	words.parts[0] += " " + text // before replace
	if to != filepath.Base(text) {
		words.add("to " + to)
	}
}

// ofAgent reports whether an absolute path in the guest is in the agent's home.
func ofAgent(path string) bool { return strings.HasPrefix(strings.ToLower(path)+`\`, agentHome+`\`) }

// localPath is a path here; a relative one counts from the suite's folder.
func (p *caseParser) localPath(text string) string {
	if text == "" || filepath.IsAbs(text) {
		return text
	}
	return filepath.Join(p.dir, text)
}

func (p *caseParser) collect(s *Step, g *generic, given map[string]*node, words *sentence) {
	file, ok := p.guestPath(given["file"], "collect: file")
	if !ok {
		return
	}
	as := path.Base(strings.ReplaceAll(file, `\`, "/"))
	at := given["file"]
	if n := given["as"]; n != nil {
		as, _ = p.text(n, "collect: as")
		at = n
	}
	if !fileName.MatchString(as) {
		p.r.At(at, "as: 1 to 100 letters, digits, blanks, '.', '_', '+' and '-'", "collect: the name %q", as)
	} else if err := winname.Check(as); err != nil { // it is kept in the guest under it
		p.r.At(at, "as: another name", "collect: %v", err)
	}
	if line, taken := p.collected[strings.ToLower(as)]; taken {
		p.r.At(at, "as: another name", "a file %q is already collected on line %d", as, line)
	}
	p.collected[strings.ToLower(as)] = at.Line
	g.texts = []string{file, as}
	words.parts[0] += " " + file
}
