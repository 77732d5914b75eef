package crashdump

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"wskharness/winerr"
)

// Explanation is a stop code in words. Whatever a crashed system has chosen is in it as numbers only.
type Explanation struct {
	Code Hex `json:"code"`
	// Name is the code's symbolic name, "" for a code that the table does not have.
	Name       string      `json:"name,omitempty"`
	Meaning    string      `json:"meaning"`
	Detail     string      `json:"detail,omitempty"` // what the subcode means
	Parameters []Parameter `json:"parameters"`       // all four
	Next       string      `json:"next"`             // what to look at
	Source     string      `json:"source,omitempty"` // the page that documents it
}

// Parameter is one of the four.
type Parameter struct {
	Value   Hex    `json:"value"`
	Meaning string `json:"meaning,omitempty"`
	Reading string `json:"reading,omitempty"` // what the value stands for, if it is one of a known set
}

const (
	// miniBit is set in a stop code by systems that wrote a minidump of it, such as 0x1000007E.
	miniBit = 0x10000000
	// contextBit is BUGCHECK_CONTEXT_MODIFIER, which is set where the context is not that of the crash.
	contextBit = 0x80000000
)

// stopCodes is the table of those that are explained, made once. Nobody may change it.
var stopCodes = sync.OnceValue(func() []stopCode {
	all := slices.Concat(memoryCodes(), levelCodes(), ioCodes(), networkCodes(), verifierCodes(), watchdogCodes(), systemCodes())
	for i := range all {
		all[i].code, _ = winerr.StopCodeNamed(all[i].name) // that there is one is held by a test
	}
	return all
})

// lookUp finds a code's row of the table. One that is not explained may have a name all the same.
func lookUp(number uint32) (row stopCode, explained bool) {
	rows, code := stopCodes(), winerr.StopCode(number)
	for _, candidate := range []winerr.StopCode{code, code &^ miniBit, code &^ contextBit, code &^ (miniBit | contextBit)} {
		if i := slices.IndexFunc(rows, func(s stopCode) bool { return s.code == candidate }); i >= 0 {
			return rows[i], true
		}
		if candidate.Known() {
			return stopCode{code: candidate, name: candidate.String()}, false
		}
	}
	return stopCode{code: code}, false
}

// explain says what a stop code with its parameters means. A code that is not known is given in hex.
func explain(code uint32, params [4]uint64) Explanation {
	row, explained := lookUp(code)
	e := Explanation{Code: Hex(code), Name: row.name, Meaning: row.meaning, Next: row.next}
	if row.name != "" {
		e.Source = fmt.Sprintf("Bug Check Code Reference: Bug Check 0x%X: %s", uint32(row.code), row.name)
	}
	switch {
	case explained:
	case row.name != "":
		e.Meaning = "A code of Windows' own, of which this program knows the name only."
		e.Next = "its page in the Bug Check Code Reference, or `!analyze -show` with the code in WinDbg"
	default:
		e.Meaning = fmt.Sprintf("stop code 0x%X is not in this program's table", code)
		e.Next = "look it up in the Bug Check Code Reference; a driver that calls KeBugCheckEx itself chooses the code and the parameters"
	}
	meanings := row.params
	if row.subcode != nil {
		if sub, ok := row.subcode[params[0]]; ok {
			e.Detail = sub.text
			for i, p := range sub.params {
				if p.text != "" {
					meanings[i+1] = p
				}
			}
		}
	}
	for i, value := range params {
		p := Parameter{Value: Hex(value), Meaning: meanings[i].text}
		if meanings[i].kind != nil {
			p.Reading = meanings[i].kind(value)
		}
		e.Parameters = append(e.Parameters, p)
	}
	return e
}

// String is the explanation for a terminal, several lines with an end each.
func (e Explanation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "stop code 0x%X", uint64(e.Code))
	if e.Name != "" {
		fmt.Fprintf(&b, " %s", e.Name)
	}
	fmt.Fprintf(&b, "\n  %s\n", e.Meaning)
	if e.Detail != "" {
		fmt.Fprintf(&b, "  here: %s\n", e.Detail)
	}
	for i, p := range e.Parameters {
		fmt.Fprintf(&b, "  parameter %d: %s", i+1, p.Value)
		if p.Reading != "" {
			fmt.Fprintf(&b, " (%s)", p.Reading)
		}
		if p.Meaning != "" {
			fmt.Fprintf(&b, ": %s", p.Meaning)
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "  next: %s\n", e.Next)
	if e.Source != "" {
		fmt.Fprintf(&b, "  source: %s\n", e.Source)
	}
	return b.String()
}

// stopCode is a row of the table.
type stopCode struct {
	code    winerr.StopCode // by its name
	name    string
	meaning string // one sentence
	params  [4]param
	next    string
	// subcode says what values of parameter 1 mean, where it chooses between violations.
	subcode map[uint64]sub
	// fault is the parameter that is the address of the faulting instruction, from 1; 0 is none.
	fault int
	// faultFrom is the least value of parameter 1 from which on fault holds.
	faultFrom uint64
	// record is the parameter that is the address of an exception record, from 1; 0 is none.
	record int
	// same are the parameters that tell one crash with this code from another where no module is
	// known: such as are the same in every run.
	same []int
}

// faultParameter is the parameter with the faulting instruction's address, from 1; 0 is none.
func (s stopCode) faultParameter(params [4]Hex) int {
	if uint64(params[0]) < s.faultFrom {
		return 0
	}
	return s.fault
}

// param is what a parameter means; kind reads its value, "" if it can't.
type param struct {
	text string
	kind func(uint64) string
}

// sub is a subcode: what it means, and what parameters 2, 3 and 4 are under it.
type sub struct {
	text   string
	params [3]param
}

// plain is a parameter that is read as a number: an address, a pointer, a count.
func plain(text string) param { return param{text: text} }

// violation has the parameters of a code of which the first says what the others are.
func violation() [4]param {
	byKind := plain("depends on parameter 1")
	return [4]param{plain("kind of the violation"), byKind, byKind, byKind}
}

// irql, status and poolType read their values.
func irql(text string) param { return param{text, readIRQL} }

func status(text string) param { return param{text, readStatus} }

func poolType(text string) param { return param{text, readPoolType} }

// access is the kind of access of 0xA and its like: bit 0 for a write, bit 3 for an execution.
func access(text string) param {
	return param{text, func(v uint64) string {
		switch v {
		case 0:
			return "read"
		case 1:
			return "write"
		case 8:
			return "execute"
		}
		return ""
	}}
}

// oneOf reads a value by a table.
func oneOf(text string, values map[uint64]string) param {
	return param{text, func(v uint64) string { return values[v] }}
}

func readIRQL(v uint64) string {
	switch v {
	case 0:
		return "PASSIVE_LEVEL"
	case 1:
		return "APC_LEVEL"
	case 2:
		return "DISPATCH_LEVEL"
	case 13:
		return "CLOCK_LEVEL"
	case 14:
		return "IPI_LEVEL"
	case 15:
		return "HIGH_LEVEL"
	case 0xff:
		return "interrupts were off"
	}
	if v > 2 && v < 13 {
		return "a device's level"
	}
	return ""
}

// readPoolType knows the two types that have had their numbers since the first Windows NT.
func readPoolType(v uint64) string {
	switch v {
	case 0:
		return "NonPagedPool"
	case 1:
		return "PagedPool"
	}
	return ""
}

// readStatus names the NTSTATUS of an exception: a warning or an error. Parameters are sign-extended.
func readStatus(v uint64) string {
	if status := winerr.NTStatus(v); status.Known() && !status.Success() {
		return status.Name()
	}
	return ""
}
