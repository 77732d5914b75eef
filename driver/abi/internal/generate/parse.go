package main

import (
	"fmt"
	"regexp"
	"strings"
)

// declaration is a constant, a group of them, or a structure of a header.
type declaration struct {
	header    string
	doc       string // the comment before it, or behind its first line
	constants []constant
	enum      bool   // they are an enum
	structure string // its name; empty: these are constants
	fields    []field
}

type constant struct {
	name   string // in C
	value  string // in C
	before string // the comment before it
	behind string
}

type field struct {
	name   string
	kind   string // in C
	count  string // of an array, in C; empty: it is none
	behind string // the comment
}

var (
	word       = regexp.MustCompile(`\w+`)
	define     = regexp.MustCompile(`^#define\s+(\w+)(\()?\s*(.*)$`)
	ours       = regexp.MustCompile(`^WSK[TP]_`)
	enumerator = regexp.MustCompile(`^(WSK[TP]_\w+)(?:\s*=\s*([^,]*))?$`)
	member     = regexp.MustCompile(`^(\w+)\s+(\w+)(?:\[(\w+)\])?$`)
	structure  = regexp.MustCompile(`^typedef\s+struct\s+(\w+)\s*\{`)
	enum       = regexp.MustCompile(`^enum\s*\{`)
)

// scanner goes through a header by pieces of code, each with the comments that belong to it.
type scanner struct {
	header, text string
}

// parse finds what a header declares, in its order. What it can't read is an error: a number that is silently left out would
// be mirrored by hand again.
func parse(header, text string) ([]declaration, error) {
	s := &scanner{header: header, text: strings.ReplaceAll(text, "\\\n", " ")}
	var all []declaration
	for {
		before, parted := s.comment()
		if s.text == "" {
			return all, nil
		}
		d := declaration{header: header, doc: before}
		var err error
		switch {
		case strings.HasPrefix(s.text, "#"):
			err = s.define(&d)
		case enum.MatchString(s.text):
			err = s.enum(&d)
		case structure.MatchString(s.text):
			err = s.structure(&d)
		default:
			err = fmt.Errorf("%s: neither a #define, nor an enum, nor a typedef of a struct: %q", header, firstLine(s.text))
		}
		if err != nil {
			return nil, err
		}
		switch last := len(all) - 1; {
		case len(d.constants) == 0 && d.structure == "":
		case d.enum || parted || before != "" || last < 0 || all[last].enum:
			all = append(all, d)
		case d.structure == "" && all[last].structure == "": // one more line of a block of them
			all[last].constants = append(all[last].constants, d.constants...)
		default:
			all = append(all, d)
		}
	}
}

// comment takes blanks and comments, and returns the last comment that nothing but a line's end parts from what follows, and
// whether an empty line parts that from what was before.
func (s *scanner) comment() (last string, parted bool) {
	for {
		trimmed := strings.TrimLeft(s.text, " \t\r\n")
		if strings.Count(s.text[:len(s.text)-len(trimmed)], "\n") > 1 {
			last, parted = "", true
		}
		if s.text = trimmed; !strings.HasPrefix(s.text, "/*") {
			return last, parted
		}
		body, rest, _ := strings.Cut(s.text[len("/*"):], "*/")
		last, s.text = plain(body), rest
	}
}

// trailing takes the comments that begin on the line of what was read before.
func (s *scanner) trailing() string {
	doc := ""
	for {
		trimmed := strings.TrimLeft(s.text, " \t")
		if !strings.HasPrefix(trimmed, "/*") {
			return doc
		}
		body, rest, _ := strings.Cut(trimmed[len("/*"):], "*/")
		doc, s.text = strings.TrimSpace(doc+" "+plain(body)), rest
	}
}

// define takes a directive. Only a #define of a number of ours declares something: texts, macros with arguments, and what
// is for the compiler alone do not.
func (s *scanner) define(d *declaration) error {
	line, rest, _ := strings.Cut(s.text, "\n")
	code, _, commented := strings.Cut(line, "/*")
	m := define.FindStringSubmatch(strings.TrimSpace(code))
	if commented {
		s.text = s.text[len(code):]
	} else {
		s.text = rest
	}
	behind := ""
	if commented {
		behind = s.trailing()
	}
	if m == nil || !ours.MatchString(m[1]) || m[2] != "" || strings.HasPrefix(m[3], `L"`) {
		return nil
	}
	if m[3] == "" {
		return fmt.Errorf("%s: #define %s has no value", s.header, m[1])
	}
	d.constants = []constant{{name: m[1], value: m[3], behind: behind}}
	return nil
}

func (s *scanner) enum(d *declaration) error {
	d.enum = true
	s.text = s.text[len(enum.FindString(s.text)):]
	d.doc = joined(d.doc, s.trailing())
	err := s.list(",", "}", func(code, before, behind string) error {
		m := enumerator.FindStringSubmatch(code)
		if m == nil || m[2] == "" {
			return fmt.Errorf("%s: %q is no WSKT_NAME = NUMBER: what crosses the ABI has a number that nothing before it can change", s.header, code)
		}
		d.constants = append(d.constants, constant{m[1], m[2], before, behind})
		return nil
	})
	d.doc = joined(d.doc, s.trailing())
	return err
}

func (s *scanner) structure(d *declaration) error {
	d.structure = structure.FindStringSubmatch(s.text)[1]
	s.text = s.text[len(structure.FindString(s.text)):]
	if err := s.list(";", "}", func(code, before, behind string) error {
		m := member.FindStringSubmatch(code)
		if m == nil {
			return fmt.Errorf("%s: %s: the field %q is no TYPE NAME or TYPE NAME[COUNT]", s.header, d.structure, code)
		}
		d.fields = append(d.fields, field{name: m[2], kind: m[1], count: m[3], behind: joined(before, behind)})
		return nil
	}); err != nil {
		return err
	}
	_, s.text, _ = strings.Cut(s.text, ";") // its name, once more
	d.doc = joined(d.doc, s.trailing())
	return nil
}

// list takes what stands between braces, piece by piece, each with the comment before it and those behind it.
func (s *scanner) list(separator, end string, one func(code, before, behind string) error) error {
	for {
		before, _ := s.comment()
		if strings.HasPrefix(s.text, end) {
			s.text = strings.TrimPrefix(s.text[len(end):], ";")
			return nil
		}
		at := strings.IndexAny(s.text, separator+end)
		if at < 0 {
			return fmt.Errorf("%s: a list without its end: %q", s.header, firstLine(s.text))
		}
		code, commented, _ := strings.Cut(s.text[:at], "/*")
		if commented != "" {
			return fmt.Errorf("%s: a comment within %q: put it behind", s.header, strings.TrimSpace(code))
		}
		if s.text = s.text[at:]; strings.HasPrefix(s.text, separator) {
			s.text = s.text[len(separator):]
		}
		if err := one(strings.Join(strings.Fields(code), " "), before, s.trailing()); err != nil {
			return err
		}
	}
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

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
