package suites

import (
	"path"
	"path/filepath"
	"strings"

	"wskharness/driver/abi"
	"wskharness/guest/winname"
	"wskharness/winerr"
)

// uploadOperations is the step that brings files into the guest.
func uploadOperations() []operation {
	return []operation{
		agentOperation(operation{name: "upload", code: abi.PlanOpUpload, scalar: "file", read: (*caseParser).upload, failed: (*judgement).uploadFailed,
			doc: "Brings a file, or a folder with all that is in it, into the guest; `upload: out/tool.exe` will do. What it brings to an absolute path is taken away again when the case is over.",
			args: []argument{
				{name: "file", kind: argLocal, required: true, doc: "the file or folder here; a relative path counts from the suite's folder"},
				{name: "to", kind: argPath, doc: "where it belongs in the guest; the file's name unless given. A relative path counts from a folder of the case's own"},
				{name: "replace", kind: argBool, slot: 0, flag: abi.PlanUploadReplace, doc: "a file that is there, at an absolute path, makes way until the case is over; else the step ends with ERROR_FILE_EXISTS"},
			},
			values: []value{{name: "bytes", index: abi.PlanValueFileBytes, kind: valueBytes, doc: "how long the file is, or all files together"}}}),
	}
}

// collectOperations is the step that fetches a file of the guest.
func collectOperations() []operation {
	return []operation{
		agentOperation(operation{name: "collect", code: abi.PlanOpCollect, scalar: "file", read: (*caseParser).collect,
			doc: "Fetches a file of the guest into the run folder.",
			args: []argument{
				{name: "file", kind: argPath, required: true, doc: "the file; a relative path counts from the case's folder"},
				{name: "as", kind: argFileName, doc: "its name in the run folder; as in the guest unless given"},
				{name: "at_most", kind: argSize, slot: 0, initial: 16 << 20, max: 256 << 20, doc: "a longer one is not fetched (STATUS_FILE_TOO_LARGE); 16MiB unless given"},
			},
			values: []value{{name: "bytes", index: abi.PlanValueFileBytes, kind: valueBytes, doc: "how long the file is"}}}),
	}
}

// agentHome is where the agent lives in a guest.
const agentHome = `c:\wskharness`

func (p *caseParser) upload(in stepReading) {
	s, given, words, g := in.step, in.given, in.words, p.generic(in.step)
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
		p.r.At(given["replace"], "replace with an absolute path", "replace is needed for absolute paths alone: what is in the case's own folder makes way without it")
	}
	g.texts, g.brings = []string{"", to}, to
	words.parts[0] += " " + text // before replace
	if to != filepath.Base(text) {
		words.add("to " + to)
	}
}

// uploadFailed says of a file that had no room what would make it.
func (j *judgement) uploadFailed() string {
	if j.result.Status != winerr.ErrorFileExists.NTStatus() {
		return ""
	}
	return "a file is there already, and stays (replace: true lets it make way until the case is over): " + j.result.Status.String()
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

func (p *caseParser) collect(in stepReading) {
	given, words, g := in.given, in.words, p.generic(in.step)
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
		p.r.At(at, "as: 1 to 100 letters, digits, blanks, '.', '_', '+' and '-'", "collect can't keep a file as %q", as)
	} else if err := winname.Check(as); err != nil { // it is kept in the guest under it
		p.r.At(at, "as: another name", "collect: %v", err)
	}
	if line, taken := p.collected[strings.ToLower(as)]; taken {
		p.r.At(at, "as: another name", "a file %q is already collected on line %d", as, line)
	}
	p.collected[strings.ToLower(as)] = at.Line
	g.texts, g.collects = []string{file, as}, as
	words.parts[0] += " " + file
}
