package strictyaml

import "strings"

// Mapping is a node whose keys are taken one by one; what nobody took is a mistake.
type Mapping struct {
	Node *Node
	What string // how messages call it

	r     *Reporter
	known []string
	taken map[string]bool
}

// Mapping reports whether n is a mapping, and gives it to be taken apart.
func (r *Reporter) Mapping(n *Node, what string) (*Mapping, bool) {
	if n.Kind != MappingKind {
		r.At(n, "a mapping", "%s is %s", what, n.Describe())
		return nil, false
	}
	return &Mapping{Node: n, What: what, r: r, taken: map[string]bool{}}, true
}

// Again is the mapping with nothing taken, for a value that is read in more than one way.
func (m *Mapping) Again() *Mapping {
	return &Mapping{Node: m.Node, What: m.What, r: m.r, taken: map[string]bool{}}
}

// Take returns the value of a key, or nil where the key is absent.
func (m *Mapping) Take(key string) *Node {
	m.known = append(m.known, key)
	n := m.Node.Get(key)
	if n != nil {
		m.taken[key] = true
	}
	return n
}

// Need is Take for a key that must be there.
func (m *Mapping) Need(key, want string) *Node {
	n := m.Take(key)
	if n == nil {
		m.r.At(m.Node, want, "%s has no %s", m.What, key)
	}
	return n
}

// Rest returns the pairs that nobody has taken yet.
func (m *Mapping) Rest() []Pair {
	var rest []Pair
	for _, p := range m.Node.Pairs {
		if !m.taken[p.Key.Text] {
			rest = append(rest, p)
		}
	}
	return rest
}

// Skip makes Done say nothing of a key, since the caller has reported it.
func (m *Mapping) Skip(key string) { m.taken[key] = true }

// Done reports the keys that nobody took.
func (m *Mapping) Done() {
	for _, p := range m.Rest() {
		m.r.At(p.Key, "one of "+strings.Join(m.known, ", "), "unknown key %s in %s%s",
			p.Key.Describe(), m.What, Hint(p.Key.Text, m.known))
	}
}
