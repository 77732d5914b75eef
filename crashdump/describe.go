package crashdump

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// mostProblems bounds what is printed of a broken dump.
const mostProblems = 20

// params are the parameters as numbers.
func (d *Dump) params() [4]uint64 {
	var p [4]uint64
	for i, v := range d.Parameters {
		p[i] = uint64(v)
	}
	return p
}

// Explanation is the stop code in words.
func (d *Dump) Explanation() Explanation { return explain(uint32(d.Code), d.params()) }

// Describe is all that the dump tells, for a terminal: several lines with an end each, in ASCII.
func (d *Dump) Describe() string {
	var b strings.Builder
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-12s  %s\n", name, fmt.Sprintf(format, args...))
	}
	row("signature", "%s", d.Signature())
	row("fault", "%s", d.Fault)
	b.WriteString(d.Explanation().String())
	row("dump", "%s, %d bytes", d.Type, d.size)
	row("system", "%s, Windows build %d (%d), %d processors", d.Machine, d.Build, d.Major, d.Processors)
	if !d.Time.IsZero() {
		row("crashed", "%s by its own clock, up for %s", d.Time.Format(time.RFC3339), d.Uptime.Round(time.Second))
	}
	if e := d.Exception; e.Code != 0 {
		name := readStatus(uint64(e.Code))
		if name != "" {
			name = " " + name
		}
		row("exception", "0x%X%s at %s", uint64(e.Code), name, d.locate(e.Address))
	}
	if c := d.Context; c.IP != 0 {
		layout, _ := contextOf(d.Machine)
		told := fmt.Sprintf("%s %s, %s %s", layout.names[0], d.locate(c.IP), layout.names[1], c.SP)
		if c.LR != 0 {
			told += fmt.Sprintf(", %s %s, %s %s", layout.names[2], c.FP, layout.names[3], d.locate(c.LR))
		}
		row("context", "%s", told)
	}
	if d.Comment != "" {
		row("comment", "%q", d.Comment)
	}
	row("modules", "%d loaded, %d unloaded known", len(d.Modules), len(d.Unloaded))
	for i, p := range d.Problems {
		if i == mostProblems {
			row("problem", "%d more", len(d.Problems)-i)
			break
		}
		row("problem", "%v", p)
	}
	return b.String()
}

// MarshalJSON gives the facts with explanation and signature.
func (d *Dump) MarshalJSON() ([]byte, error) {
	problems := make([]string, 0, len(d.Problems))
	for _, p := range d.Problems {
		problems = append(problems, p.Error())
	}
	return json.Marshal(struct {
		Signature   Signature   `json:"signature"`
		Fault       Fault       `json:"fault"`
		Explanation Explanation `json:"explanation"`
		Header      Header      `json:"header"`
		Size        int64       `json:"size"`
		Modules     []Module    `json:"modules"`
		Unloaded    []Module    `json:"unloaded,omitempty"`
		Problems    []string    `json:"problems,omitempty"`
	}{d.Signature(), d.Fault, d.Explanation(), d.Header, d.size, d.Modules, d.Unloaded, problems})
}
