package harness

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"wskharness/driver"
	"wskharness/strictyaml"
	"wskharness/suites"
)

// OwnDriver is a driver of the user's: a file that is ready, or one that a command of theirs builds. Paths are
// absolute; those that are not there are empty.
type OwnDriver struct {
	File    string // the .sys
	INF     string
	Catalog string
	PDB     string
	Sign    bool            // give it this user's test signature
	Build   *driver.Command // nil: the file is ready
	Service suites.Service
}

const (
	defaultBuildLimit = 10 * time.Minute
	highestBuildLimit = 2 * time.Hour
	maxParameters     = 64
)

var (
	serviceName   = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	parameterName = regexp.MustCompile(`^[A-Za-z0-9._ -]{1,64}$`)
)

// driver reads what is tested: variants of the sample, or a driver of the user's own.
func (p *configParser) driver(n *strictyaml.Node, c *Config) {
	m, ok := p.Mapping(n, "driver")
	if !ok {
		return
	}
	defines, sys := m.Take("defines"), m.Take("sys")
	if sys == nil {
		// What belongs to a driver of one's own makes no sense without it; the keys are known, so that a
		// misspelt one is told as such.
		for _, key := range ownKeys() {
			if n := m.Take(key); n != nil {
				p.At(n, "sys: the driver's file beside it", "%s without a driver of your own", key)
			}
		}
		m.Done()
		if defines != nil {
			p.defines(defines, "defines", c.Defines)
		}
		return
	}
	if defines != nil {
		p.At(defines, "defines, or sys", "defines are of the sample driver, and sys is another one")
	}
	c.Own = p.own(m, sys)
	m.Done()
}

func ownKeys() []string {
	return []string{"source", "build", "build_within", "build_env", "inf", "cat", "pdb", "sign", "service", "start", "depends", "parameters", "unload"}
}

func (p *configParser) own(m *strictyaml.Mapping, sys *strictyaml.Node) *OwnDriver {
	own := &OwnDriver{}
	base := p.dir
	source, build, within, env := m.Take("source"), m.Take("build"), m.Take("build_within"), m.Take("build_env")
	if source != nil {
		if text, ok := p.Text(source, "source"); ok {
			base = p.path(text)
			if info, err := os.Stat(base); err != nil || !info.IsDir() {
				p.At(source, "a folder", "source: %s is not one", displayPath(base))
			}
		}
	}
	own.Build = p.buildCommand(source, build, within, env, base)
	own.Sign = build != nil
	file := func(n *strictyaml.Node, key, suffix string) string {
		if n == nil {
			return ""
		}
		text, ok := p.Text(n, key)
		if !ok {
			return ""
		}
		if !strings.EqualFold(filepath.Ext(text), suffix) {
			p.At(n, "a file with the ending "+suffix, "%s is %s", key, n.Describe())
			return ""
		}
		path := text
		if !filepath.IsAbs(path) {
			path = filepath.Join(base, path)
		}
		if own.Build == nil { // else it may be made by the build
			if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
				p.At(n, "a file, or source and build that make it", "%s: %s is not there", key, displayPath(path))
			}
		}
		return path
	}
	own.File = file(sys, "sys", ".sys")
	own.INF = file(m.Take("inf"), "inf", ".inf")
	cat := m.Take("cat")
	own.Catalog = file(cat, "cat", ".cat")
	own.PDB = file(m.Take("pdb"), "pdb", ".pdb")
	sign := m.Take("sign")
	if sign != nil {
		own.Sign, _ = p.Bool(sign, "sign")
	}
	switch {
	case cat != nil && own.INF == "":
		p.At(cat, "inf: beside it", "a catalogue without the .inf that it is of")
	case cat != nil && own.Sign:
		p.At(cat, "sign: false", "a signature put into the driver now would make the catalogue wrong")
	}
	p.service(m, own)
	return own
}

func (p *configParser) buildCommand(source, build, within, env *strictyaml.Node, dir string) *driver.Command {
	switch {
	case build == nil && source != nil:
		p.At(source, "build: [the program, its arguments] beside it", "source without a command that builds it")
	case build == nil && within != nil:
		p.At(within, "build: [the program, its arguments] beside it", "build_within without build")
	case build == nil && env != nil:
		p.At(env, "build: [the program, its arguments] beside it", "build_env without build")
	case build != nil && source == nil:
		p.At(build, "source: the folder in which it runs", "build without source")
	}
	if build == nil {
		return nil
	}
	c := &driver.Command{Dir: dir, Limit: defaultBuildLimit}
	for _, word := range p.Items(build, "build") {
		if text, ok := p.Text(word, "a word of build"); ok {
			c.Args = append(c.Args, text)
		}
	}
	if env != nil {
		c.Environment.Also = p.variables(env, "build_env")
	}
	if within != nil {
		c.Limit, _ = p.Duration(within, "build_within", highestBuildLimit)
	}
	return c
}

func (p *configParser) service(m *strictyaml.Mapping, own *OwnDriver) {
	s := &own.Service
	s.Name = strings.TrimSuffix(filepath.Base(own.File), filepath.Ext(own.File))
	name := m.Take("service")
	p.into(name, "service", &s.Name)
	if own.File != "" && !serviceName.MatchString(s.Name) {
		at := name
		if at == nil {
			at = m.Node
		}
		p.At(at, "service: 1 to 64 letters, digits, '.', '_' and '-'", "the service's name is %q", s.Name)
	}
	s.Start = suites.StartDemand
	if n := m.Take("start"); n != nil {
		if text, ok := p.OneOf(n, "start", suites.StartTypes()...); ok {
			s.Start = suites.StartType(slices.Index(suites.StartTypes(), text))
		}
	}
	if n := m.Take("depends"); n != nil {
		s.Depends = p.Texts(n, "depends")
		for i, item := range n.Items {
			if i < len(s.Depends) && !serviceName.MatchString(s.Depends[i]) {
				p.At(item, "the name of a service", "depends: %s", item.Describe())
			}
		}
	}
	if n := m.Take("parameters"); n != nil {
		s.Parameters = p.parameters(n)
	}
	if n := m.Take("unload"); n != nil {
		word, _ := p.OneOf(n, "unload", "at_end", "never")
		s.NeverUnload = word == "never"
	}
}

// parameters reads registry values: a whole number is a REG_DWORD, or a REG_QWORD where it does not fit; a text a
// REG_SZ; a list of texts a REG_MULTI_SZ; {hex: 00ff} a REG_BINARY.
func (p *configParser) parameters(n *strictyaml.Node) []suites.Parameter {
	m, ok := p.Mapping(n, "parameters")
	if !ok {
		return nil
	}
	if len(m.Node.Pairs) > maxParameters {
		p.At(n, fmt.Sprintf("at most %d", maxParameters), "%d parameters", len(m.Node.Pairs))
		return nil
	}
	var all []suites.Parameter
	for _, pair := range m.Node.Pairs {
		if !parameterName.MatchString(pair.Key.Text) {
			p.At(pair.Key, "1 to 64 letters, digits, spaces, '.', '_' and '-'", "the parameter's name is %s", pair.Key.Describe())
		}
		if one, ok := p.parameter(pair.Value, pair.Key.Text); ok {
			all = append(all, one)
		}
	}
	return all
}

func (p *configParser) parameter(n *strictyaml.Node, name string) (suites.Parameter, bool) {
	one := suites.Parameter{Name: name}
	what := "parameter " + name
	switch n.Kind {
	case strictyaml.SequenceKind:
		one.Kind, one.Values = suites.RegMulti, p.Texts(n, what)
		return one, len(one.Values) > 0
	case strictyaml.MappingKind:
		m, _ := p.Mapping(n, what)
		digits := m.Need("hex", "a number, a text, a list of texts, or {hex: digits}")
		m.Done()
		if digits == nil {
			return one, false
		}
		if raw, err := hex.DecodeString(strings.ReplaceAll(digits.Text, " ", "")); err != nil || len(raw) == 0 || len(raw) > 4096 {
			p.At(digits, "1 to 4096 bytes in hexadecimal digits, quoted", "%s: hex is %s", what, digits.Describe())
			return one, false
		}
		one.Kind, one.Values = suites.RegBinary, []string{strings.ReplaceAll(digits.Text, " ", "")}
		return one, true
	}
	if n.Tag == "!!int" {
		number, err := strconv.ParseUint(n.Text, 0, 64)
		if err != nil {
			p.At(n, "a whole number of at most 64 bits", "%s is %s", what, n.Describe())
			return one, false
		}
		one.Kind, one.Values = suites.RegDword, []string{strconv.FormatUint(number, 10)}
		if number > 1<<32-1 {
			one.Kind = suites.RegQword
		}
		return one, true
	}
	text, ok := p.Text(n, what)
	one.Kind, one.Values = suites.RegText, []string{text}
	return one, ok
}

// sampleService is the service of the sample driver.
const sampleService = "wsksample"

// service is that of the driver under test.
func (c *Config) service() suites.Service {
	if c.Own != nil {
		return c.Own.Service
	}
	return suites.Service{Name: sampleService, Start: suites.StartDemand}
}

// ownService is that of a driver of the user's own, nil for the sample.
func (c *Config) ownService() *suites.Service {
	if c.Own == nil {
		return nil
	}
	return &c.Own.Service
}

// resident reports whether the driver under test is never unloaded.
func (c *Config) resident() bool { return c.service().NeverUnload }

// checkResident says which cases unload a driver that is never to be.
func (c *Config) checkResident(cases []*suites.Case) error {
	var wrong []error
	for _, one := range cases {
		if at, unloads := one.Unloads(); unloads && c.resident() {
			wrong = append(wrong, fmt.Errorf("%s: %s unloads the driver, which the configuration says is never to be unloaded (driver: unload)", at, one.Name()))
		}
	}
	if len(wrong) > 0 {
		return &UsageError{Err: errors.Join(wrong...)}
	}
	return nil
}

// ownDriver reports whether the driver under test is the user's own.
func (r *run) ownDriver() bool { return r.plan.Request.Config.Own != nil }

// describe names the driver in what is printed.
func (o *OwnDriver) describe() string {
	if o.Build != nil {
		return fmt.Sprintf("%s, built by %s in %s", displayPath(o.File), strings.Join(o.Build.Args, " "), displayPath(o.Build.Dir))
	}
	return displayPath(o.File)
}
