package crashdump

import (
	"fmt"
	"strings"
)

// Signature is what is the same of a crash in every run, on every target, wherever modules happen to
// be loaded: two crashes with the same signature are the same crash. Signatures can be compared with
// ==, and so can their strings.
//
//	0xD1 wsksample.sys+0x1a2c         stop code, faulting module, offset in it
//	0xC4 unknown 0x62                 no module known: what kind of violation it was
//	0xDEADBEEF unknown 0x1 0x2 * *    a code of nobody's table: its parameters, without addresses
//	0xC0000005 wsksample.sys+0x1a2c   a fault of a driver on a Wine guest: the exception code
//
// The offset is the same as long as the module is: a driver that is built anew has new signatures
// where its code has moved.
type Signature struct {
	Code   uint32 // stop code, or code of the exception
	Module string // base name in lower case, "" if unknown
	Offset uint64 // in the module
	Kind   string // without a module: the parameters that tell crashes apart, as they are printed
}

// FaultSignature is the signature of a fault in a module: on a Wine guest there is no stop code but
// the exception's. The module may be a path.
func FaultSignature(code uint32, module string, offset uint64) Signature {
	name := moduleName(module)
	if name == "" {
		return Signature{Code: code}
	}
	return Signature{Code: code, Module: name, Offset: offset}
}

// bugcheckSignature is the signature of a stop code of which nothing but the parameters is known, as
// a hypervisor reports it.
func bugcheckSignature(code uint32, params [4]uint64) Signature {
	row, known := lookUp(code)
	s := Signature{Code: code}
	if known {
		var kinds []string
		for _, n := range row.same {
			kinds = append(kinds, Hex(params[n-1]).String())
		}
		s.Kind = strings.Join(kinds, " ")
		return s
	}
	kinds := make([]string, len(params))
	for i, p := range params {
		kinds[i] = "*"
		if p>>32 == 0 {
			kinds[i] = Hex(p).String()
		}
	}
	s.Kind = strings.Join(kinds, " ")
	return s
}

// Signature is the crash's.
func (d *Dump) Signature() Signature {
	if d.Fault.Known() {
		return FaultSignature(uint32(d.Code), d.Fault.Module, uint64(d.Fault.Offset))
	}
	return bugcheckSignature(uint32(d.Code), d.params())
}

func (s Signature) String() string {
	switch {
	case s.Module != "":
		return fmt.Sprintf("0x%X %s+0x%x", s.Code, s.Module, s.Offset)
	case s.Kind != "":
		return fmt.Sprintf("0x%X unknown %s", s.Code, s.Kind)
	}
	return fmt.Sprintf("0x%X unknown", s.Code)
}

// MarshalText makes a signature its string in JSON.
func (s Signature) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// moduleName is a module's name as signatures have it: no path, in lower case, without characters
// that would make two parts of it.
func moduleName(module string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '+' {
			return '_'
		}
		return r
	}, baseName(printable(module)))
}
