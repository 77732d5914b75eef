package suites

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"wskharness/strictyaml"
)

// Verifier is what Driver Verifier has to be at while a case runs, and how.
type Verifier struct {
	Flags   string   // "standard", or a number as verifier.exe takes it: 0x209bb
	Drivers []string // files; empty: the driver under test
	Faults  *Faults  // nil: as Windows simulates low resources by itself, where the flags say that it does
}

// Faults is how low resources are simulated (Microsoft, "Driver Verifier command syntax", /faults).
type Faults struct {
	Probability uint64        // of 10000: that an allocation fails
	Tags        []string      // of the pools whose allocations may fail; empty: all
	After       time.Duration // whole minutes from the boot on, in which none fails
}

const (
	keyVerifier      = "verifier"
	verifierStandard = "standard"
	// lowResources is the flag of the simulation.
	lowResources       = 0x4
	maxVerified        = 32
	maxFaultAfter      = 60 * time.Minute
	highestProbability = 10000
)

// What verifier.exe is given is among arguments of a command line: none of it needs quotes.
var (
	verifierFlags  = regexp.MustCompile(`^0x[0-9A-Fa-f]{1,8}$`)
	verifiedDriver = regexp.MustCompile(`^[A-Za-z0-9._-]{1,60}\.[sS][yY][sS]$`)
	faultTag       = regexp.MustCompile(`^[A-Za-z0-9]{1,4}$`)
)

// readVerifier reads verifier: {flags: …, drivers: […], faults: {…}}, of a suite or of a case.
func (r *reporter) readVerifier(n *node) *Verifier {
	m, ok := r.Mapping(n, keyVerifier)
	if !ok {
		return nil
	}
	v := &Verifier{}
	const want = "standard, or a number of 0x and at most eight hexadecimal digits that is not 0"
	flags := m.Need("flags", "flags: "+want)
	bits := uint64(0)
	if flags != nil {
		if text := flags.Text; r.Value(flags, "verifier: flags", want) { // 0x4 is a number to YAML, and as good as '0x4'
			if verifierFlags.MatchString(text) {
				bits, _ = strconv.ParseUint(text[2:], 16, 32)
			}
			if text != verifierStandard && bits == 0 {
				r.At(flags, want, "verifier: flags is %s", flags.Describe())
			}
			v.Flags = strings.ToLower(text)
		}
	}
	if n := m.Take("drivers"); n != nil {
		v.Drivers = r.readMatching(n, "verifier: drivers", "a driver's file, such as wsksample.sys", verifiedDriver, maxVerified)
	}
	if n := m.Take("faults"); n != nil {
		if v.Faults = r.readFaults(n); bits&lowResources == 0 && flags != nil {
			r.At(n, "faults only where flags have 0x4, low resources simulation", "verifier: flags is %s, with which nothing fails", flags.Describe())
		}
	}
	m.Done()
	return v
}

func (r *reporter) readFaults(n *node) *Faults {
	m, ok := r.Mapping(n, "verifier: faults")
	if !ok {
		return nil
	}
	f := &Faults{}
	if p := m.Need("probability", "probability: 1 to 10000, of 10000"); p != nil {
		f.Probability, _ = r.Number(p, "verifier: faults: probability", 1, highestProbability)
	}
	if tags := m.Take("tags"); tags != nil {
		f.Tags = r.readMatching(tags, "verifier: faults: tags", "a pool tag: 1 to 4 letters and digits", faultTag, maxVerified)
	}
	if after := m.Take("after"); after != nil {
		d, ok := r.Duration(after, "verifier: faults: after", maxFaultAfter)
		if ok && d%time.Minute != 0 {
			r.At(after, "whole minutes, such as 1m", "verifier: faults: after is %s", after.Describe())
		}
		f.After = d
	}
	m.Done()
	return f
}

// readMatching takes a list of different texts of one form, of which there is at least one.
func (r *reporter) readMatching(n *node, what, want string, form *regexp.Regexp, most int) (all []string) {
	if n.Kind != strictyaml.SequenceKind || len(n.Items) == 0 || len(n.Items) > most {
		r.At(n, fmt.Sprintf("a list of 1 to %d, each %s", most, want), "%s is %s", what, n.CountOrKind())
		return nil
	}
	for _, item := range n.Items {
		switch text, ok := r.Raw(item, what); {
		case !ok:
		case !form.MatchString(text):
			r.At(item, want, "%s has %s", what, item.Describe())
		case slices.ContainsFunc(all, func(s string) bool { return strings.EqualFold(s, text) }):
			r.At(item, "each once, whatever its case", "%s has %q twice", what, text)
		default:
			all = append(all, text)
		}
	}
	return all
}

// String says it in words: flags 0x4, netio.sys, 100 of 10000 allocations fail from 1m on.
func (v *Verifier) String() string {
	drivers := "the driver under test"
	if len(v.Drivers) > 0 {
		drivers = strings.Join(v.Drivers, " ")
	}
	text := fmt.Sprintf("flags %s, %s", v.Flags, drivers)
	if f := v.Faults; f != nil {
		text += fmt.Sprintf(", %d of 10000 allocations fail", f.Probability)
		if len(f.Tags) > 0 {
			text += " of the tags " + strings.Join(f.Tags, " ")
		}
		if f.After > 0 {
			text += fmt.Sprintf(" from %s after the boot on", strictyaml.ShortDuration(f.After))
		}
	}
	return text
}

func verifierSchema() object {
	files := func(pattern *regexp.Regexp, doc string) object {
		return object{"type": "array", "minItems": 1, "maxItems": maxVerified, "uniqueItems": true, "description": doc,
			"items": object{"type": []string{"string", "number"}, "pattern": pattern.String()}}
	}
	return object{
		"type":        "object",
		"description": "what Driver Verifier verifies meanwhile; elsewhere the cases are skipped",
		"properties": object{
			"flags":   object{"type": []string{"string", "integer"}, "pattern": `^(standard|0x[0-9A-Fa-f]{1,8})$`, "minimum": 1, "maximum": uint32(math.MaxUint32), "description": "standard, or the flags of verifier.exe"},
			"drivers": files(verifiedDriver, "the driver under test unless given"),
			"faults": object{
				"type": "object", "description": "how low resources are simulated, with the flag 0x4",
				"properties": object{
					"probability": object{"type": "integer", "minimum": 1, "maximum": highestProbability, "description": "that an allocation fails, of 10000"},
					"tags":        files(faultTag, "of the pools whose allocations may fail; all unless given"),
					"after":       described(ref("duration"), "whole minutes after the boot, in which none fails"),
				},
				"required": []string{"probability"}, "additionalProperties": false,
			},
		},
		"required": []string{"flags"}, "additionalProperties": false,
	}
}
