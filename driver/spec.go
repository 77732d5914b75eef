package driver

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Kind is what an image is meant for.
type Kind int

const (
	KernelDriver Kind = iota + 1 // a .sys that Windows loads into its kernel
	Program                      // a console .exe that needs no runtime but Windows itself
)

func (k Kind) String() string {
	switch k {
	case KernelDriver:
		return "kernel driver"
	case Program:
		return "program"
	default:
		return fmt.Sprintf("Kind(%d)", int(k))
	}
}

// Spec says what is built from what.
type Spec struct {
	Name     string            // file name of the result: wsksample.sys
	Kind     Kind              //
	Sources  fs.FS             // where the sources are read from
	Dirs     []string          // folders of Sources whose .c files are compiled (not the folders in them)
	Includes []string          // folders of Sources that are searched for headers, beside Dirs
	Defines  map[string]string // preprocessor names; an empty value is empty, as after #define
	Options  []string          // further flags, for compiling and linking both: -municode
	Units    int               // as how many units the sources are compiled, several files as one; 0: each by itself
	Libs     []string          // import libraries, without the lib: ntoskrnl
	Root     string            // what a person calls the root of Sources: put before paths in messages
}

// SampleSpec describes wsksample.sys, the sample driver. The defines choose its variants: see
// kernel/defects.h.
func SampleSpec(defines map[string]string) Spec {
	all := map[string]string{"WSKT_KERNEL": "1"} // wskabi.h serves both sides
	maps.Copy(all, defines)
	return Spec{
		Name:     "wsksample.sys",
		Kind:     KernelDriver,
		Sources:  Sources(),
		Dirs:     []string{"shared", "kernel", "sample", "probe"}, // in the order in which they include each other
		Includes: []string{"include"},
		Defines:  all,
		Units:    4,
		Libs:     []string{"ntoskrnl", "hal", "netio"},
		Root:     "driver",
	}
}

// ModelSpec describes the netio.sys that keeps the documented rules of WSK, for the Wine guest. The
// defines choose its variants: see model/defects.h.
func ModelSpec(defines map[string]string) Spec {
	return Spec{
		Name:     "netio.sys",
		Kind:     KernelDriver,
		Sources:  Sources(),
		Dirs:     []string{"model"},
		Includes: []string{"include"},
		Defines:  defines,
		Units:    2,
		Libs:     []string{"ntoskrnl", "hal", "ntdll"},
		Root:     "driver",
	}
}

// AgentSpec describes wskagent.exe, the harness's program in a guest.
func AgentSpec() Spec {
	return Spec{
		Name:    "wskagent.exe",
		Kind:    Program,
		Sources: Sources(),
		// A file includes headers of its own folder and of those before it: TestIncludesRunOneWay.
		Dirs:     []string{"shared", "agent/base", "agent/faults", "agent/machine", "agent/transfer", "agent/steps", "agent/run", "agent"},
		Includes: []string{"include"},
		// The first, or windows.h brings the old winsock.h; the others, because it has no windows and draws nothing.
		Defines: map[string]string{"WIN32_LEAN_AND_MEAN": "1", "NOUSER": "1", "NOGDI": "1"},
		Options: []string{"-municode"},
		Units:   7,
		Libs:    []string{"advapi32", "bcrypt", "ntdll", "ws2_32", "z"},
		Root:    "driver",
	}
}

// warningFlags lists the compiler's warnings that a source has to be free of.
func warningFlags(kind Kind) []string {
	flags := []string{
		"-Wall", "-Wextra", "-Werror",
		"-Wvla", "-Wpointer-arith", "-Wstrict-prototypes",
	}
	if kind == KernelDriver {
		flags = append(flags,
			"-Wmissing-prototypes",
			"-Wframe-larger-than=1024", // a kernel stack is 24 KiB in all, and others are on it already
			"-Wno-multichar",           // pool tags are written as 'Tag1'
		)
	}
	return flags
}

// CompileFlags lists how sources of a kind are compiled, but for the folders that differ from machine
// to machine.
func CompileFlags(kind Kind) []string {
	flags := append([]string{"-std=gnu17", "-O2", "-g", "-ffile-prefix-map=" + anyFolder + "=.", leanHeaders}, warningFlags(kind)...)
	if kind == KernelDriver {
		flags = append(flags,
			// No C runtime in the kernel: neither its start-up code, nor its stack protector and probes.
			"-ffreestanding", "-fno-stack-protector", "-mno-stack-arg-probe",
			// Kernel code looks at memory through several types, as Microsoft's compiler allows.
			"-fno-strict-aliasing",
		)
	}
	return flags
}

// leanHeaders is the include guard of the compiler's x86intrin.h, which every header of Windows includes for a handful
// of functions that it declares itself, too. With the thousands of vector instructions in it, most of a compiler's
// time would be reading it. Whoever wants an instruction includes immintrin.h. A compiler whose guard has another
// name reads it all, and takes longer.
const leanHeaders = "-D_X86INTRIN_H_INCLUDED"

// linkFlags lists how images of a kind are linked.
func linkFlags(kind Kind) []string {
	flags := []string{
		"-Wl,--fatal-warnings", // else a wrong entry name gives a driver that never starts
		"-Wl,--no-insert-timestamp",
		"-Wl,--dynamicbase", "-Wl,--nxcompat", "-Wl,--high-entropy-va",
	}
	if kind == KernelDriver {
		return append(flags,
			"-nostdlib", "-nostartfiles",
			"-Wl,--subsystem,native", "-Wl,--entry,DriverEntry",
			"-Wl,--section-alignment,0x1000", "-Wl,--file-alignment,0x200",
			"-Wl,--exclude-all-symbols",
			// Such relocations are applied by a C runtime's start-up code, which a driver does not have.
			"-Wl,--disable-auto-import", "-Wl,--disable-runtime-pseudo-reloc",
		)
	}
	return append(flags, "-static")
}

const (
	maxSourceFiles = 2000
	maxSourceBytes = 64 << 20
)

var (
	defineName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	libName    = regexp.MustCompile(`^[A-Za-z0-9_.+-]+$`)
	imageName  = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$`)
)

// validate reports all that is wrong with the description itself, at once.
func (s Spec) validate() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !imageName.MatchString(s.Name) {
		wrong("name %q: want a plain file name of at most 64 letters, digits, dots, dashes and underscores", s.Name)
	}
	if s.Kind != KernelDriver && s.Kind != Program {
		wrong("kind %v: want KernelDriver or Program", s.Kind)
	}
	if s.Sources == nil {
		wrong("no sources")
	}
	if len(s.Dirs) == 0 {
		wrong("no folder of sources")
	}
	for _, dir := range slices.Concat(s.Dirs, s.Includes) {
		if !fs.ValidPath(dir) || unsafeArgument(dir) {
			wrong("folder %q: want a path below the root of the sources, with slashes, not beginning with - or @", dir)
		}
	}
	for name, value := range s.Defines {
		if !defineName.MatchString(name) {
			wrong("define %q: want a C identifier", name)
		}
		if strings.ContainsAny(value, "\r\n\x00") {
			wrong("define %s: the value %q has more than one line, or a zero in it", name, value)
		}
	}
	if s.Units < 0 {
		wrong("%d units: want their number, or 0 for a unit of each file", s.Units)
	}
	for _, lib := range s.Libs {
		if !libName.MatchString(lib) {
			wrong("library %q: want its name without lib and .a, such as ntoskrnl", lib)
		}
	}
	return errors.Join(errs...)
}

// unsafeArgument reports whether the compiler would take a path for something else.
func unsafeArgument(path string) bool {
	return strings.HasPrefix(path, "-") || strings.HasPrefix(path, "@") || strings.ContainsAny(path, "\n\x00\"\\")
}

// defineFlags gives -D flags in an order that does not change.
func (s Spec) defineFlags() []string {
	var flags []string
	for _, name := range slices.Sorted(maps.Keys(s.Defines)) {
		flags = append(flags, "-D"+name+"="+s.Defines[name]) // without the sign it would be 1
	}
	return flags
}

// includeFlags names the header folders relative to the root of the sources, where the compiler runs.
func (s Spec) includeFlags() []string {
	var flags []string
	for _, dir := range slices.Concat(s.Includes, s.Dirs) {
		flags = append(flags, "-I", dir)
	}
	return flags
}

func (s Spec) libFlags() []string {
	var flags []string
	for _, lib := range s.Libs {
		flags = append(flags, "-l"+lib)
	}
	return flags
}

// sourceFile is one file that takes part in a build, read once: what is hashed is what is compiled.
type sourceFile struct {
	path    string // slashes, relative to the root of the sources
	content []byte
}

func (f sourceFile) compiled() bool { return path.Ext(f.path) == ".c" }

// readSources reads what a build can need, in an order that does not change: all .c and .h files (and
// their like) right in Dirs, and headers at any depth in Includes.
func (s Spec) readSources() ([]sourceFile, error) {
	found := map[string]bool{}
	for _, dir := range s.Dirs {
		entries, err := fs.ReadDir(s.Sources, dir)
		if err != nil {
			return nil, fmt.Errorf("read the sources of %s: %w", s.Name, err)
		}
		for _, entry := range entries {
			if ext := path.Ext(entry.Name()); !entry.IsDir() && (ext == ".c" || isHeader(ext)) {
				found[path.Join(dir, entry.Name())] = true
			}
		}
	}
	for _, dir := range s.Includes {
		err := fs.WalkDir(s.Sources, dir, func(name string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() && isHeader(path.Ext(name)) {
				found[name] = true
			}
			if len(found) > maxSourceFiles {
				return fmt.Errorf("%s: more than %d headers", dir, maxSourceFiles)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("read the headers of %s: %w", s.Name, err)
		}
	}
	if len(found) > maxSourceFiles {
		return nil, fmt.Errorf("read the sources of %s: more than %d files in %s: name a folder that holds only its sources",
			s.Name, maxSourceFiles, strings.Join(s.Dirs, ", "))
	}
	var files []sourceFile
	total, compiled := 0, 0
	for _, name := range slices.Sorted(maps.Keys(found)) {
		content, err := fs.ReadFile(s.Sources, name)
		if err != nil {
			return nil, fmt.Errorf("read the sources of %s: %w", s.Name, err)
		}
		if unsafeArgument(name) {
			return nil, fmt.Errorf("read the sources of %s: %q: the compiler would not take this name for a file; rename it", s.Name, name)
		}
		if total += len(content); total > maxSourceBytes {
			return nil, fmt.Errorf("read the sources of %s: more than %d MiB", s.Name, maxSourceBytes>>20)
		}
		file := sourceFile{name, content}
		if file.compiled() {
			compiled++
		}
		files = append(files, file)
	}
	if compiled == 0 {
		return nil, fmt.Errorf("read the sources of %s: no .c file in %s", s.Name, strings.Join(s.Dirs, ", "))
	}
	return files, nil
}

func isHeader(ext string) bool { return ext == ".h" || ext == ".inc" || ext == ".inl" }

// sourceHash is of names and contents, so that it is the same wherever the sources are.
func sourceHash(files []sourceFile) string {
	h := sha256.New()
	for _, file := range files {
		fmt.Fprintf(h, "%d %s %d\n", len(file.path), file.path, len(file.content))
		h.Write(file.content)
	}
	return hex.EncodeToString(h.Sum(nil))
}
