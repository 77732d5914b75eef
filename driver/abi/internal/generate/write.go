package main

import (
	"bytes"
	"fmt"
	"go/format"
	"regexp"
	"slices"
	"strings"
)

var (
	suffix = regexp.MustCompile(`\b(0[xX][0-9A-Fa-f]+|[0-9]+)[uUlL]+\b`)
	number = regexp.MustCompile(`^[\w'() *+|<-]+$`)
)

// encoded are the structures that Go reads or writes, and what these are made of. The others are between agent and driver.
var encoded = regexp.MustCompile(`^WSK(T_(CHECK|STEP)|P_(HEADER|CASE|BATCH|STEP))$`)

// write is the Go source of the constants that were declared, and of the structures that are encoded.
func write(all []declaration) ([]byte, error) {
	known := map[string]string{"UINT8": "uint8", "UINT16": "uint16", "UINT32": "uint32", "UINT64": "uint64", "INT32": "int32"}
	taken := map[string]string{} // C names by their Go ones
	name := func(c string) (string, error) {
		goName := exported(c)
		if before := taken[goName]; before != "" {
			return "", fmt.Errorf("%s and %s would both be %s in Go: rename one of them", before, c, goName)
		}
		taken[goName] = c
		return goName, nil
	}
	var out bytes.Buffer
	out.WriteString("// Code generated from the headers in driver/include by go generate ./driver/abi; DO NOT EDIT.\n\npackage abi\n")
	for _, d := range all {
		var body bytes.Buffer
		var err error
		if d.structure == "" {
			err = writeConstants(&body, d, name)
		} else if encoded.MatchString(d.structure) {
			err = writeStructure(&body, d, known, name)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", d.header, err)
		}
		if body.Len() > 0 {
			out.WriteString("\n" + comment(d.doc))
			out.Write(body.Bytes())
		}
	}
	source, err := format.Source(out.Bytes())
	if err != nil {
		return nil, fmt.Errorf("the headers have a value that is no Go: %w\n%s", err, out.Bytes())
	}
	return source, nil
}

func writeConstants(out *bytes.Buffer, d declaration, name func(string) (string, error)) error {
	var lines []string
	for _, c := range d.constants {
		goName, err := name(c.name)
		if err != nil {
			return err
		}
		value := suffix.ReplaceAllString(c.value, "$1")
		if !number.MatchString(value) {
			return fmt.Errorf("%s is %q, which is no number that this generator reads", c.name, c.value)
		}
		value = word.ReplaceAllStringFunc(value, func(w string) string {
			if ours.MatchString(w) {
				return exported(w)
			}
			return w
		})
		line := described(goName+" = "+value, c.behind)
		if c.before != "" {
			line = "\n" + comment(c.before) + line
		}
		lines = append(lines, line)
	}
	if len(lines) == 1 && !strings.HasPrefix(lines[0], "//") {
		fmt.Fprintf(out, "const %s\n", lines[0])
	} else {
		fmt.Fprintf(out, "const (\n%s\n)\n", strings.Join(lines, "\n"))
	}
	return nil
}

func writeStructure(out *bytes.Buffer, d declaration, known map[string]string, name func(string) (string, error)) error {
	var lines []string
	for _, f := range d.fields {
		kind := known[f.kind]
		if kind == "" {
			return fmt.Errorf("%s of %s is a %s, which Go does not write", f.name, d.structure, f.kind)
		}
		if f.count != "" {
			count := f.count
			if ours.MatchString(count) {
				count = exported(count)
			}
			kind = "[" + count + "]" + kind
		}
		lines = append(lines, described(f.name+" "+kind, joined(f.before, f.behind)))
	}
	goName, err := name(d.structure)
	if err != nil {
		return err
	}
	known[d.structure] = goName
	fmt.Fprintf(out, "type %s struct {\n%s\n}\n", goName, strings.Join(lines, "\n"))
	return nil
}

// exported makes a Go name of a C one: WSKT_ goes, WSKP_ becomes Plan, V becomes Value, and each word has one capital, but for
// what is always written in capitals.
func exported(c string) string {
	rest, plan := strings.CutPrefix(c, "WSKP_")
	rest = strings.TrimPrefix(rest, "WSKT_")
	var b strings.Builder
	if plan {
		b.WriteString("Plan")
	}
	for i, w := range strings.Split(rest, "_") {
		switch {
		case w == "V" && i == 0:
			b.WriteString("Value")
		case slices.Contains([]string{"ABI", "DPC", "IRP", "NPI", "NS", "EQ", "NE", "GE", "LE"}, w):
			b.WriteString(w)
		default:
			b.WriteString(w[:1] + strings.ToLower(w[1:]))
		}
	}
	return b.String()
}

// described is a line with its comment: behind it, or where that would be long, before it.
func described(line, doc string) string {
	switch {
	case doc == "":
		return line
	case len(doc) > 100:
		return comment(doc) + line
	}
	return line + " // " + doc
}

// comment is a text as a comment, each line of which has at most 120 characters.
func comment(text string) string {
	if text == "" {
		return ""
	}
	var b strings.Builder
	line := ""
	for _, w := range strings.Fields(text) {
		if len(line)+len(w) > 116 {
			b.WriteString("//" + line + "\n")
			line = ""
		}
		line += " " + w
	}
	b.WriteString("//" + line + "\n")
	return b.String()
}
