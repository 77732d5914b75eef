package config

import (
	"cmp"
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
	"wskharness/settings"
	"wskharness/strictyaml"
	"wskharness/suites"
)

// External is a driver of the user's: a file that is ready, or one that a command of theirs builds. Paths are
// absolute; those that are not there are empty.
type External struct {
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

// driverForm reads what is tested: variants of the sample, or an external driver.
type driverForm struct {
	config        *Config
	external      External
	build         driver.Command
	start, unload string
	base          string // absolute: the driver's relative paths count from it; empty: from the configuration's folder
}

func newDriverForm(c *Config) *driverForm {
	return &driverForm{config: c, build: driver.Command{Limit: defaultBuildLimit}, start: "demand", unload: "at_end"}
}

func (f *driverForm) keys() settings.Table {
	e := &f.external
	build := settings.Rule{Key: "build", Want: "build: [the program, its arguments] beside it"}
	noBuild, noINF := build, settings.Rule{Key: "inf", Want: "inf: beside it", Says: "cat is the catalogue of an .inf, and the configuration names none"}
	noBuild.Says = "source is of use to a build only, and no command builds the driver"
	noSource := settings.Rule{Key: "source", Want: "source: the folder in which it runs"}
	rules := func(one settings.Rule) []settings.Rule { return []settings.Rule{one} }
	service := settings.Text(&e.Service.Name)
	service.Schema = settings.Pattern(serviceName.String())
	t := settings.Table{Keys: []settings.Key{
		{Name: "defines", Doc: "Preprocessor names for building the sample driver; an empty value is empty, as after #define.", Value: settings.Defines(&f.config.Defines),
			Without: rules(settings.Rule{Key: "sys", Want: "defines, or sys", Says: "defines are of the sample driver, and sys is another one"})},
		{Name: "source", Doc: "The folder in which `build` runs, and from which the paths of the driver count.", Beside: rules(noBuild), Value: settings.Value{Schema: settings.Refer("text"), Read: f.readSource}},
		{Name: "build", Doc: "The program that builds the driver, with its arguments. It runs here, before anything else.", Beside: rules(noSource), Value: settings.Command(&f.build.Args)},
		{Name: "build_within", Doc: "How long the build may take; 10m unless given.", Beside: rules(build), Value: settings.Duration(&f.build.Limit, highestBuildLimit)},
		{Name: "build_env", Doc: "Environment variables that the build gets beyond what every program gets; none that is a password_env.", Beside: rules(build), Value: settings.Variables(&f.build.Environment.Also)},
		{Name: "sys", Doc: "A driver of your own, instead of the sample: its .sys, ready or made by `build`.", Value: f.file(&e.File, ".sys")},
		{Name: "inf", Doc: "Installed where the guest has a driver store.", Value: f.file(&e.INF, ".inf")},
		{Name: "cat", Doc: "The .inf's catalogue.", Beside: rules(noINF), Value: f.file(&e.Catalog, ".cat")},
		{Name: "pdb", Doc: "Kept beside the driver in the run folder.", Value: f.file(&e.PDB, ".pdb")},
		{Name: "sign", Doc: "Whether to give it your test signature; true where it is built, false where it is ready.", Value: settings.Bool(&e.Sign)},
		{Name: "service", Doc: "The name of its service; the file's without .sys unless given.", Value: service},
		{Name: "start", Doc: "When Windows starts it by itself.", Value: settings.Word(&f.start, suites.StartTypes()...)},
		{Name: "depends", Doc: "Services that are started before it.", Value: depends(&e.Service)},
		{Name: "parameters", Doc: "Registry values below the service's key Parameters: numbers, texts, lists of texts, or {hex: digits}. No two names may differ in case only.", Value: parameters(&e.Service.Parameters)},
		{Name: "unload", Doc: "Whether the driver is unloaded at the end of a run, which proves what passed; never: it is left loaded, its service, its file and the boot are looked at, and the guest is reverted or rebooted.",
			Value: settings.Word(&f.unload, "at_end", "never")},
	}}
	for i := range t.Keys {
		if key := &t.Keys[i]; key.Name != "defines" && key.Name != "sys" { // it is of an external driver
			key.Beside = append(rules(settings.Rule{Key: "sys", Want: "sys: the driver's file beside it", Says: key.Name + " without a driver of your own"}), key.Beside...)
		}
	}
	return t
}

func (f *driverForm) readSource(r *settings.Reader, n *strictyaml.Node, what string) {
	if f.base = r.FilePath(n, what); f.base == "" {
		return
	}
	if info, err := os.Stat(f.base); err != nil || !info.IsDir() {
		r.At(n, "a folder", "%s: %s is not an existing folder", what, settings.DisplayPath(f.base))
	}
}

// file is a file of the driver, with that ending. The service is called as the .sys is, unless it is said otherwise.
func (f *driverForm) file(to *string, ending string) settings.Value {
	pattern := `\.`
	for _, letter := range ending[1:] {
		pattern += fmt.Sprintf("[%c%c]", letter, letter-'a'+'A')
	}
	return settings.Value{Schema: settings.Pattern(pattern + "$"), Read: func(r *settings.Reader, n *strictyaml.Node, what string) {
		text, ok := r.LocalPath(n, what)
		if !ok {
			return
		}
		if !strings.EqualFold(filepath.Ext(text), ending) {
			r.At(n, "a file with the ending "+ending, "%s is %s", what, n.Describe())
			return
		}
		name := filepath.Base(text)
		if err := winname.Check(name); err != nil {
			r.At(n, "a name that a file can have in the guest", "%s is %s: %v", what, n.Describe(), err)
			return
		}
		if *to = text; !filepath.IsAbs(text) {
			*to = filepath.Join(cmp.Or(f.base, r.Dir), text)
		}
		if to == &f.external.File {
			f.external.Service.Name = strings.TrimSuffix(name, filepath.Ext(name))
		}
	}}
}

// check looks at what the keys say together, and makes the driver of them.
func (f *driverForm) check(r *settings.Reader, given settings.Given) {
	if given["sys"] == nil {
		return
	}
	e := &f.external
	f.config.External = e
	if given["build"] != nil {
		f.build.Dir = cmp.Or(f.base, r.Dir)
		e.Build = &f.build
		e.Sign = e.Sign || given["sign"] == nil
	}
	for key, path := range map[string]string{"sys": e.File, "inf": e.INF, "cat": e.Catalog, "pdb": e.PDB} {
		if path == "" || e.Build != nil { // it may be made by the build
			continue
		}
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
			r.At(given[key], "a file, or source and build that make it", "%s: there is no file %s", key, settings.DisplayPath(path))
		}
	}
	if cat := given["cat"]; cat != nil && e.Sign {
		r.At(cat, "sign: false", "a signature put into the driver now would make the catalogue wrong")
	}
	s := &e.Service
	if e.File != "" && s.Name != "" && !serviceName.MatchString(s.Name) {
		at := given["service"]
		if at == nil {
			at = given["sys"]
		}
		r.At(at, "service: 1 to 64 letters, digits, '.', '_' and '-'", "the service's name is %q", s.Name)
	}
	s.Start = suites.StartType(max(0, slices.Index(suites.StartTypes(), f.start)))
	s.NeverUnload = f.unload == "never"
}

// sampleService is the service of the sample driver.
const sampleService = "wsksample"

// DriverService is that of the driver under test.
func (c *Config) DriverService() suites.Service {
	if c.External != nil {
		return c.External.Service
	}
	return suites.Service{Name: sampleService, Start: suites.StartDemand}
}

// ExternalService is that of an external driver, nil for the sample.
func (c *Config) ExternalService() *suites.Service {
	if c.External == nil {
		return nil
	}
	return &c.External.Service
}

// Resident reports whether the driver under test is never unloaded.
func (c *Config) Resident() bool { return c.DriverService().NeverUnload }

// CheckResident says which cases unload a driver that is never to be.
func (c *Config) CheckResident(cases []*suites.Case) error {
	var wrong []error
	for _, one := range cases {
		if at, unloads := one.Unloads(); unloads && c.Resident() {
			wrong = append(wrong, fmt.Errorf("%s: %s unloads the driver, which the configuration says is never to be unloaded (driver: unload)", at, one.Name()))
		}
	}
	if len(wrong) > 0 {
		return &settings.UsageError{Err: errors.Join(wrong...)}
	}
	return nil
}

// CheckSampleChecks says which cases look at what no driver but the sample counts, where the driver is another.
func (c *Config) CheckSampleChecks(cases []*suites.Case) error {
	if c.External == nil {
		return nil
	}
	var wrong []error
	for _, one := range cases {
		for _, what := range one.SampleChecks() {
			wrong = append(wrong, errors.New(what))
		}
	}
	if len(wrong) > 0 {
		return &settings.UsageError{Err: errors.Join(wrong...)}
	}
	return nil
}

// Describe names the driver in what is printed.
func (e *External) Describe() string {
	if e.Build != nil {
		return fmt.Sprintf("%s, built by %s in %s", settings.DisplayPath(e.File), strings.Join(e.Build.Args, " "), settings.DisplayPath(e.Build.Dir))
	}
	return settings.DisplayPath(e.File)
}
