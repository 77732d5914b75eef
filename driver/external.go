package driver

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"wskharness/child"
)

// Command builds a driver in a way of its own.
type Command struct {
	Dir   string   // where it runs
	Args  []string // the program and its arguments; no shell sees them
	Limit time.Duration

	// Environment is what it gets of this process's environment.
	Environment child.Environment
	// Filter, if set, is what its output goes through before anything is kept of it: it takes out what nobody shall see.
	Filter func(io.Writer) io.WriteCloser `json:"-"`
}

// CommandError says that a build command did not end well.
type CommandError struct {
	Command Command
	Output  string // what it wrote, at most 256 KiB of it
	Err     error
}

// logName is the file of a package with what its build command wrote.
const logName = "build.log"

// shownLines is how much of a build's output an error repeats: the first errors are the ones that matter.
const shownLines = 20

func (e *CommandError) Error() string {
	told := fmt.Sprintf("build the driver: %s in %s: %v", strings.Join(e.Command.Args, " "), e.Command.Dir, e.Err)
	if e.Output == "" {
		return told
	}
	lines := strings.Split(strings.TrimSpace(e.Output), "\n")
	if rest := len(lines) - shownLines; rest > 0 {
		lines = append(lines[:shownLines], fmt.Sprintf("[%d more lines]", rest))
	}
	return told + "\n" + strings.Join(lines, "\n")
}

func (e *CommandError) Unwrap() error { return e.Err }

// Ran is a build command that ended well.
type Ran struct {
	Output string // what it wrote on either stream, at most 256 KiB of it
	Held   child.Held
}

// Notice says who still had the command's output open, and what became of it; empty: nobody.
func (r Ran) Notice() string {
	if !r.Held.Still {
		return ""
	}
	became := "it was ended with the build"
	for _, by := range r.Held.By {
		if !by.Group {
			became = "it goes on, and what it writes now is not kept"
		}
	}
	if len(r.Held.By) == 0 {
		became = "what it writes now is not kept"
	}
	return fmt.Sprintf("the build command has ended, and %s: %s; start what shall go on with its output elsewhere (>/dev/null 2>&1)", r.Held, became)
}

// Run runs the command. It ends, with all that it started, at its limit or when ctx does; the command itself also when this
// process is killed. How the command ended is all that counts, whoever else still has its output open (Ran.Held).
func (c Command) Run(ctx context.Context) (Ran, error) {
	limited, cancel := context.WithTimeout(ctx, c.Limit)
	defer cancel()
	env, err := c.Environment.List()
	if err != nil {
		return Ran{}, &CommandError{Command: c, Err: err}
	}
	out := &boundedBuffer{limit: maxToolOutput}
	cmd := child.Command(limited, append(env, "PWD="+c.Dir), c.Args[0], c.Args[1:]...)
	cmd.Dir = c.Dir
	var held child.Held
	err = c.filtered(out, func(to io.Writer) error {
		var err error
		cmd.Stdout, cmd.Stderr = to, to
		held, err = child.RunGroup(limited, cmd)
		return err
	})
	switch {
	case ctx.Err() != nil:
		return Ran{Output: out.String()}, ctx.Err()
	case err != nil && limited.Err() != nil:
		err = fmt.Errorf("it did not end within %s", c.Limit)
	}
	if err != nil {
		return Ran{Output: out.String()}, &CommandError{Command: c, Output: out.String(), Err: err}
	}
	return Ran{Output: out.String(), Held: held}, nil
}

// filtered calls do with where the output goes.
func (c Command) filtered(out io.Writer, do func(io.Writer) error) error {
	if c.Filter == nil {
		return do(out)
	}
	filter := c.Filter(out)
	return errors.Join(do(filter), filter.Close())
}

// External is a driver that this package did not build: a .sys with what belongs to it. Paths but the first may be empty.
type External struct {
	Driver  string
	INF     string
	Catalog string
	PDB     string
	Sign    bool     // with this user's test certificate, in place of the signature that it has
	Command []string // that built it, for the manifest
	Log     string   // what the command wrote
}

// PackageExternal makes a package of a driver, signed where that is asked for. A file that Windows would not load is a
// *RefusedError, but for one that lacks a signature and shall: whether a target takes such a driver is the target's to
// say (Package.Signed).
func PackageExternal(ctx context.Context, o External, cache Cache, signer *Signer, now time.Time) (*Package, error) {
	started := time.Now()
	name := filepath.Base(o.Driver)
	wrap := func(err error) error { return fmt.Errorf("package %s: %w", name, err) }
	if !imageName.MatchString(name) {
		return nil, wrap(errors.New("its name is not of at most 64 letters, digits, dots, dashes and underscores"))
	}
	pkg, err := inCache(cache, func(cache Cache) (*Package, error) { return o.findOrMake(ctx, cache, signer) })
	if err != nil {
		return nil, wrap(err)
	}
	pkg.Took = time.Since(started)
	pkg.Findings = pkg.Image.Findings(now)
	if refusals := o.refusals(pkg.Findings); len(refusals) > 0 {
		return nil, &RefusedError{Path: o.Driver, Findings: refusals}
	}
	return pkg, nil
}

// findOrMake puts the package together, and takes the one of the cache where that has the same content.
func (o External) findOrMake(ctx context.Context, cache Cache, signer *Signer) (*Package, error) {
	dir, err := cache.temporary(packageRoom)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := o.gather(ctx, dir, signer); err != nil {
		return nil, err
	}
	key, err := contentKey(dir)
	if err != nil {
		return nil, err
	}
	final := cache.path(packageRoom, key)
	if pkg, err := OpenPackage(final); err == nil {
		cache.touch(packageRoom, key)
		pkg.Cached = true
		return pkg, nil
	}
	good := func(dir string) bool { _, err := OpenPackage(dir); return err == nil }
	if err := cache.publish(packageRoom, key, dir, good); err != nil {
		return nil, err
	}
	cache.prune(packageRoom)
	return OpenPackage(final)
}

// refusals are the findings for which no target loads the driver. What only some settings of Windows object to is
// left to the target, and so is a signature that is not there.
func (o External) refusals(findings []Finding) []Finding {
	return slices.DeleteFunc(Refusals(findings), func(f Finding) bool {
		return f.By == byHVCI || f.By == byHLK || f.Rule == "unsigned"
	})
}

// gathering is a package of a driver of the user's own in the making.
type gathering struct {
	dir      string
	manifest Manifest
	files    map[string]*ManifestFile // what is in dir, by path
}

// gather puts the package together in dir.
func (o External) gather(ctx context.Context, dir string, signer *Signer) error {
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	name := filepath.Base(o.Driver)
	g := &gathering{dir: dir, files: map[string]*ManifestFile{}}
	g.manifest = Manifest{Schema: manifestSchema, Name: strings.TrimSuffix(name, filepath.Ext(name))}
	image := filepath.Join(dir, name)
	if err := g.take(o.Driver, &g.manifest.Driver); err != nil {
		if errors.Is(err, fs.ErrNotExist) && len(o.Command) > 0 {
			return fmt.Errorf("%s ended well, but did not leave %s", strings.Join(o.Command, " "), o.Driver)
		}
		return err
	}
	built, err := describeFile(image)
	if err != nil {
		return err
	}
	g.manifest.Build = Artifact{Name: name, Kind: KernelDriver.String(), SHA256: built.SHA256, Size: built.Size, Command: o.Command}
	if o.Sign {
		g.manifest.Unsigned = ManifestFile{SHA256: built.SHA256, Size: built.Size}
		if err := g.sign(ctx, image, signer); err != nil {
			return err
		}
	}
	for _, extra := range []struct {
		from string
		to   *ManifestFile
	}{{o.INF, &g.manifest.INF}, {o.Catalog, &g.manifest.Catalog}, {o.PDB, &g.manifest.PDB}} {
		if extra.from == "" {
			continue
		}
		if err := g.take(extra.from, extra.to); err != nil {
			return err
		}
	}
	if o.Log != "" {
		log := filepath.Join(dir, logName)
		g.files[log] = &g.manifest.Log
		if err := os.WriteFile(log, []byte(o.Log), 0o644); err != nil {
			return err
		}
	}
	return g.write()
}

// take copies a file into the package.
func (g *gathering) take(from string, to *ManifestFile) error {
	path := filepath.Join(g.dir, filepath.Base(from))
	if _, taken := g.files[path]; taken {
		return fmt.Errorf("two files of it are called %s", filepath.Base(from))
	}
	g.files[path] = to
	return copyFile(from, path)
}

// sign signs the image. Of a driver that carries its debug information, the file as built is kept, to look places up in.
func (g *gathering) sign(ctx context.Context, image string, signer *Signer) error {
	if _, err := OpenSymbols(image); err == nil {
		g.files[image+symbolsSuffix] = &g.manifest.Symbols
		if err := copyFile(image, image+symbolsSuffix); err != nil {
			return err
		}
	}
	if err := Sign(ctx, image, signer); err != nil {
		return err
	}
	g.manifest.Certificate = certificateOf(signer)
	certificate := filepath.Join(g.dir, g.manifest.Name+".cer")
	g.files[certificate] = &g.manifest.Certificate.ManifestFile
	return os.WriteFile(certificate, signer.Certificate.Raw, 0o644)
}

func (g *gathering) write() error {
	for path, file := range g.files {
		var err error
		if *file, err = describeFile(path); err != nil {
			return err
		}
	}
	return writeJSON(filepath.Join(g.dir, manifestName), g.manifest)
}

// contentKey names a package by what is in it.
func contentKey(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	fmt.Fprintf(h, "%s own package %d\n", buildFormat, manifestSchema)
	for _, e := range entries {
		if e.Name() == logName || e.Name() == manifestName {
			continue // a log has times in it; the manifest follows from the rest
		}
		sum, err := hashFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s %s\n", e.Name(), sum)
	}
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}

// Signed reports whether somebody vouches for the driver: a signature in it, or a catalogue beside it.
func (p *Package) Signed() bool { return p.Image.Signature != nil || p.INF != "" && p.Catalog != "" }
