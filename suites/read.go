package suites

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Readers turn a node into a value of a kind. Each reports what is wrong and what was expected,
// and says whether the value can be used.

var (
	identifier   = regexp.MustCompile(identifierPattern)
	versionText  = regexp.MustCompile(`^(\d{1,3})\.(\d{1,3})$`)
	durationText = regexp.MustCompile(durationPattern)
	sizeText     = regexp.MustCompile(`^(\d{1,12})(B|KiB|MiB|GiB)$`)
)

const (
	durationPattern   = `^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	identifierPattern = `^[a-z][a-z0-9_-]{0,63}$`
	wantIdentifier    = "a lower-case name of letters, digits, _ and -"
	wantDuration      = "a duration such as 500ms or 2s"
	wantVersion       = "a WSK version MAJOR.MINOR such as 1.0, each 0 to 255"
	wantSize          = "a size such as 64KiB"
	wantStatus        = "an NTSTATUS by name, or 0x and its hexadecimal digits"
	maxStepTime       = 100 * time.Second // leaves room for margins below WSKT_MAX_WAIT_MS
	maxText           = 1000
)

func (r *reporter) scalar(n *node, what, want string) bool {
	if n.kind != scalarNode || n.isNull() {
		r.at(n, want, "%s is %s", what, n.describe())
		return false
	}
	return true
}

func (r *reporter) readText(n *node, what string) (string, bool) {
	want := "text"
	if !r.scalar(n, what, want) {
		return "", false
	}
	text := strings.TrimSpace(n.text)
	if text == "" || len(text) > maxText {
		r.at(n, "1 to 1000 bytes of text", "%s has %d", what, len(text))
		return "", false
	}
	return text, true
}

func (r *reporter) readName(n *node, what string) (string, bool) {
	if !r.scalar(n, what, wantIdentifier) {
		return "", false
	}
	if !identifier.MatchString(n.text) {
		r.at(n, wantIdentifier, "%s is %s", what, n.describe())
		return "", false
	}
	return n.text, true
}

func (r *reporter) readBool(n *node, what string) (bool, bool) {
	if n.kind == scalarNode && n.tag == "!!bool" {
		switch n.text {
		case "true":
			return true, true
		case "false":
			return false, true
		}
	}
	r.at(n, "true or false", "%s is %s", what, n.describe())
	return false, false
}

func (r *reporter) readNumber(n *node, what string, lowest, highest uint64) (uint64, bool) {
	want := fmt.Sprintf("a whole number from %d to %d", lowest, highest)
	if highest == 1<<64-1 {
		want = "a whole number"
	}
	if n.kind == scalarNode && n.tag == "!!int" {
		number, err := strconv.ParseUint(n.text, 0, 64)
		if err == nil && number >= lowest && number <= highest {
			return number, true
		}
	}
	r.at(n, want, "%s is %s", what, n.describe())
	return 0, false
}

func (r *reporter) readDuration(n *node, what string, highest time.Duration) (time.Duration, bool) {
	if n.kind == scalarNode {
		d, err := time.ParseDuration(n.text)
		switch {
		case err != nil || n.tag != "!!str" || !durationText.MatchString(n.text):
		case d < time.Millisecond || d > highest || d%time.Millisecond != 0:
			r.at(n, fmt.Sprintf("whole milliseconds from 1ms to %s", shortDuration(highest)), "%s is %s", what, n.text)
			return 0, false
		default:
			return d, true
		}
	}
	r.at(n, wantDuration, "%s is %s", what, n.describe())
	return 0, false
}

// readVersion takes the text of the value as written, since YAML reads 1.10 as the number 1.1.
func (r *reporter) readVersion(n *node, what string) (uint64, bool) {
	if n.kind == scalarNode {
		if m := versionText.FindStringSubmatch(n.text); m != nil {
			major, _ := strconv.Atoi(m[1])
			minor, _ := strconv.Atoi(m[2])
			if major <= 255 && minor <= 255 {
				return uint64(major<<8 | minor), true
			}
		}
	}
	r.at(n, wantVersion, "%s is %s", what, n.describe())
	return 0, false
}

func (r *reporter) readSize(n *node, what string) (uint64, bool) {
	if n.kind == scalarNode {
		if m := sizeText.FindStringSubmatch(n.text); m != nil {
			number, _ := strconv.ParseUint(m[1], 10, 64)
			shift := map[string]uint{"B": 0, "KiB": 10, "MiB": 20, "GiB": 30}[m[2]]
			if number <= 1<<50>>shift {
				return number << shift, true
			}
		}
	}
	r.at(n, wantSize, "%s is %s", what, n.describe())
	return 0, false
}

func (r *reporter) readStatus(n *node, what string) (uint32, bool) {
	if !r.scalar(n, what, wantStatus) {
		return 0, false
	}
	code, err := ParseStatus(n.text)
	if err != nil {
		r.at(n, wantStatus, "%s: %s", what, err)
		return 0, false
	}
	return code, true
}

// readStatuses takes one status or a list of at most as many as a step can expect.
func (r *reporter) readStatuses(n *node, what string) ([]uint32, bool) {
	if n.kind == scalarNode {
		code, ok := r.readStatus(n, what)
		return []uint32{code}, ok
	}
	want := fmt.Sprintf("one status, or a list of 1 to %d", maxExpect)
	if n.kind != sequenceNode || len(n.items) == 0 || len(n.items) > maxExpect {
		r.at(n, want, "%s is %s", what, countOrKind(n))
		return nil, false
	}
	var codes []uint32
	good := true
	for _, item := range n.items {
		code, ok := r.readStatus(item, what)
		if ok && slices.Contains(codes, code) {
			r.at(item, "each status once", "%s has %s twice", what, StatusName(code))
			ok = false
		}
		codes, good = append(codes, code), good && ok
	}
	return codes, good
}

func (r *reporter) readOneOf(n *node, what string, names []named) (uint64, bool) {
	var all []string
	for _, one := range names {
		all = append(all, one.name)
	}
	want := "one of " + strings.Join(all, ", ")
	if !r.scalar(n, what, want) {
		return 0, false
	}
	for _, one := range names {
		if one.name == n.text {
			return one.code, true
		}
	}
	r.at(n, want, "%s is %s%s", what, n.describe(), hint(n.text, all))
	return 0, false
}

// readNames takes a list of different names.
func (r *reporter) readNames(n *node, what string) []string {
	if n.kind != sequenceNode {
		r.at(n, "a list of names", "%s is %s", what, n.describe())
		return nil
	}
	var names []string
	for _, item := range n.items {
		name, ok := r.readName(item, what)
		switch {
		case !ok:
		case slices.Contains(names, name):
			r.at(item, "each name once", "%s has %q twice", what, name)
		default:
			names = append(names, name)
		}
	}
	return names
}

func countOrKind(n *node) string {
	if n.kind == sequenceNode {
		return fmt.Sprintf("a list of %d", len(n.items))
	}
	return n.describe()
}

// shortDuration writes 1m40s, 2s, 500ms: without the zero units of time.Duration's own text.
func shortDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// mapping is a node whose keys are taken one by one; what nobody took is a mistake.
type mapping struct {
	r     *reporter
	node  *node
	what  string
	known []string
	taken map[string]bool
}

func (r *reporter) mapping(n *node, what string) (*mapping, bool) {
	if n.kind != mappingNode {
		r.at(n, "a mapping", "%s is %s", what, n.describe())
		return nil, false
	}
	return &mapping{r: r, node: n, what: what, taken: map[string]bool{}}, true
}

// take returns the value of a key, or nil where the key is absent.
func (m *mapping) take(key string) *node {
	m.known = append(m.known, key)
	for _, p := range m.node.pairs {
		if p.key.text == key {
			m.taken[key] = true
			return p.value
		}
	}
	return nil
}

// need is take for a key that must be there.
func (m *mapping) need(key, want string) *node {
	n := m.take(key)
	if n == nil {
		m.r.at(m.node, want, "%s has no %s", m.what, key)
	}
	return n
}

// done reports the keys that nobody took.
func (m *mapping) done() {
	for _, p := range m.node.pairs {
		if !m.taken[p.key.text] {
			m.r.at(p.key, "one of "+strings.Join(m.known, ", "), "unknown key %s in %s%s",
				p.key.describe(), m.what, hint(p.key.text, m.known))
		}
	}
}
