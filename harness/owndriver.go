package harness

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"wskharness/driver"
	"wskharness/guest/winname"
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
)

var serviceName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

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
		if text := p.filePath(source, "source"); text != "" {
			base = text
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
		text, ok := p.localPath(n, key)
		if !ok {
			return ""
		}
		if !strings.EqualFold(filepath.Ext(text), suffix) {
			p.At(n, "a file with the ending "+suffix, "%s is %s", key, n.Describe())
			return ""
		}
		if err := winname.Check(filepath.Base(text)); err != nil {
			p.At(n, "a name that a file can have in the guest", "%s is %s: %v", key, n.Describe(), err)
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
	c := &driver.Command{Dir: dir, Limit: defaultBuildLimit, Args: p.command(build, "build")}
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
	if own.File != "" && s.Name != "" && !serviceName.MatchString(s.Name) {
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
		s.Depends = p.depends(n, s.Name)
	}
	if n := m.Take("parameters"); n != nil {
		s.Parameters = p.parameters(n)
	}
	if n := m.Take("unload"); n != nil {
		word, _ := p.OneOf(n, "unload", "at_end", "never")
		s.NeverUnload = word == "never"
	}
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

// checkSampleChecks says which cases look at what no driver but the sample counts, where the driver is another.
func (c *Config) checkSampleChecks(cases []*suites.Case) error {
	if c.Own == nil {
		return nil
	}
	var wrong []error
	for _, one := range cases {
		for _, what := range one.SampleChecks() {
			wrong = append(wrong, errors.New(what))
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
