package main

import (
	"fmt"
	"regexp"
	"strings"
)

// declaration is some constants, or a structure, of a header.
type declaration struct {
	header    string
	doc       string // the comment before it, and those behind its braces
	constants []constant
	enum      bool   // they are an enum
	structure string // its name in C; empty: these are constants
	fields    []field
}

type constant struct {
	name, value    string // in C
	before, behind string // the comments
}

type field struct {
	name, kind     string // in C
	count          string // of an array, in C; empty: it is none
	before, behind string
}

var (
	word  = regexp.MustCompile(`\w+`)
	ours  = regexp.MustCompile(`^WSK[TP]_`)
	piece = regexp.MustCompile(`(?s)^(?:(?P<blank>\s+)|/\*(?P<comment>.*?)\*/|#define\s+(?P<define>\w+)(?P<macro>\()?(?P<value>(?:\\\n|[^\n/]|/[^*])*)|(?P<directive>#[^\n]*)|` +
		`(?P<enum>enum\s*\{)|typedef\s+struct\s+(?P<structure>\w+)\s*\{|(?P<end>\}\s*\w*;)|` +
		`(?P<enumerator>WSK[TP]_\w+)\s*=\s*(?P<number>\w+)\s*(?:,|(?P<last>\}\s*;))|(?P<kind>\w+)\s+(?P<field>\w+)(?:\[(?P<count>\w+)\])?;)`)
)

// scan goes through a header piece by piece.
type scan struct {
	all    []declaration
	open   *declaration // between whose braces it is; nil: between none
	before string       // the comment that belongs to the next piece
	behind *string      // where a comment on the same line belongs to; nil: to the next piece
	parted bool         // an empty line is before the next piece
}

// parse finds what a header declares, in its order. What it can't read is an error: a number that is silently left out would
// be mirrored by hand again.
func parse(header, text string) ([]declaration, error) {
	p := scan{}
	for text != "" {
		m := piece.FindStringSubmatch(text)
		if m == nil {
			line, _, _ := strings.Cut(text, "\n")
			return nil, fmt.Errorf("%s: %q is none of #define, enum, typedef struct, WSKT_NAME = NUMBER and TYPE NAME[COUNT]", header, line)
		}
		text = text[len(m[0]):]
		if err := p.take(header, func(group string) string { return m[piece.SubexpIndex(group)] }); err != nil {
			return nil, fmt.Errorf("%s: %w", header, err)
		}
	}
	if p.open != nil {
		return nil, fmt.Errorf("%s: a brace is never closed", header)
	}
	return p.all, nil
}

func (p *scan) take(header string, is func(group string) string) error {
	switch {
	case is("blank") != "":
		if lines := strings.Count(is("blank"), "\n"); lines > 0 {
			p.behind = nil
			if lines > 1 {
				p.before, p.parted = "", true
			}
		}
		return nil
	case is("comment") != "":
		if text := plain(is("comment")); p.behind != nil {
			*p.behind = joined(*p.behind, text)
		} else {
			p.before = text
		}
		return nil
	case is("define") != "":
		return p.define(header, is("define"), strings.TrimSpace(is("value")), is("macro") != "")
	case is("enum") != "" || is("structure") != "":
		p.open = &declaration{header: header, doc: p.before, enum: is("enum") != "", structure: is("structure")}
		p.behind = &p.open.doc
	case p.open == nil && is("directive") == "":
		return fmt.Errorf("%q is outside of braces", is("enumerator")+is("field")+is("end"))
	case is("enumerator") != "":
		p.open.constants = append(p.open.constants, constant{name: is("enumerator"), value: is("number"), before: p.before})
		p.behind = &p.open.constants[len(p.open.constants)-1].behind
	case is("field") != "":
		p.open.fields = append(p.open.fields, field{name: is("field"), kind: is("kind"), count: is("count"), before: p.before})
		p.behind = &p.open.fields[len(p.open.fields)-1].behind
	}
	if is("end") != "" || is("last") != "" {
		p.all, p.open = append(p.all, *p.open), nil
		p.behind = &p.all[len(p.all)-1].doc
	}
	p.before, p.parted = "", false
	return nil
}

// define takes a number of ours; texts, macros with arguments, and what is for the compiler alone declare nothing. Lines that
// nothing parts are one declaration.
func (p *scan) define(header, name, value string, macro bool) error {
	p.behind = new(string)
	if !ours.MatchString(name) || macro || strings.HasPrefix(value, `L"`) {
		p.before, p.parted = "", false
		return nil
	}
	if value == "" {
		return fmt.Errorf("#define %s has no value", name)
	}
	last := len(p.all) - 1
	if p.parted || p.before != "" || last < 0 || p.all[last].enum || p.all[last].structure != "" {
		p.all = append(p.all, declaration{header: header, doc: p.before})
		last++
	}
	p.all[last].constants = append(p.all[last].constants, constant{name: name, value: value})
	p.behind = &p.all[last].constants[len(p.all[last].constants)-1].behind
	p.before, p.parted = "", false
	return nil
}

// plain is a comment's text on one line.
func plain(comment string) string {
	var words []string
	for _, line := range strings.Split(comment, "\n") {
		words = append(words, strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "*"))...)
	}
	return strings.Join(words, " ")
}

func joined(parts ...string) string { return strings.TrimSpace(strings.Join(parts, " ")) }
