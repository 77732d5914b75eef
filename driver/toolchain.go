package driver

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// target is the GNU name of the platform that drivers and programs are built for.
const target = "x86_64-w64-mingw32"

// Toolchain is a compiler and a linker for 64-bit Windows. FindToolchain finds one without starting
// it; what has to be asked of the programs themselves is asked when something is really compiled.
type Toolchain struct {
	CC string // the compiler driver, absolute
	LD string // the linker that CC starts, absolute
	// Absent is nil, or why there is none of all that: then there is what the program has in it (Prebuilt).
	Absent error

	// Tell is nil, or is told of each image that is compiled since it is not in the cache, before that is done. Calls may come
	// side by side.
	Tell func(name string)
}

// Versions says which programs built an image, in their own words.
type Versions struct {
	Compiler string `json:"compiler"`
	Linker   string `json:"linker"`
}

// MissingToolError says that a program or header that building needs is not installed.
type MissingToolError struct {
	Tool    string // what was looked for
	Why     string // what it is needed for
	Install string // the exact command that installs it
	NoPath  bool   // PATH is not set: it may well be installed, and Install is what sets it
}

func (e *MissingToolError) Error() string {
	if e.NoPath {
		return fmt.Sprintf("%s can't be looked for, since PATH is not set (needed: %s); set it with: %s", e.Tool, e.Why, e.Install)
	}
	return fmt.Sprintf("%s is not installed (needed: %s); install it with: %s", e.Tool, e.Why, e.Install)
}

// FindToolchain looks for the mingw-w64 compiler on PATH, also under the names that Debian gives its
// variants. It starts no process. A missing tool is a *MissingToolError.
func FindToolchain(ctx context.Context) (*Toolchain, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	tc := &Toolchain{}
	for _, name := range []string{target + "-gcc", target + "-gcc-win32", target + "-gcc-posix"} {
		if path, err := lookPath(name); err == nil {
			tc.CC = path
			break
		}
	}
	if tc.CC == "" {
		return nil, missingTool("-gcc", "it compiles drivers and programs for Windows", "gcc-mingw-w64-x86-64-win32")
	}
	path, err := lookPath(target + "-ld")
	if err != nil {
		return nil, missingTool("-ld", "it links drivers and programs for Windows", "binutils-mingw-w64-x86-64")
	}
	tc.LD = path
	return tc, nil
}

// missingTool is a program of the toolchain that was not found on PATH.
func missingTool(program, why, pkg string) *MissingToolError {
	if os.Getenv("PATH") == "" {
		return &MissingToolError{Tool: target + program, Why: why, Install: "export PATH=/usr/bin:/bin", NoPath: true}
	}
	return &MissingToolError{Tool: target + program, Why: why, Install: installCommand(pkg)}
}

func lookPath(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", err
	}
	return filepath.Abs(path)
}

// Versions asks compiler and linker for their versions.
func (tc *Toolchain) Versions(ctx context.Context) (Versions, error) {
	var v Versions
	for _, ask := range []struct {
		program string
		answer  *string
	}{{tc.CC, &v.Compiler}, {tc.LD, &v.Linker}} {
		out, err := runTool(ctx, "", ask.program, "--version")
		if err != nil {
			return Versions{}, fmt.Errorf("ask %s for its version: %w", ask.program, err)
		}
		line, _, _ := strings.Cut(string(out), "\n")
		*ask.answer = strings.TrimSpace(line)
	}
	return v, nil
}

func missingKernelHeaders() error {
	return &MissingToolError{
		Tool:    "ddk/" + kitHeader,
		Why:     "the declarations of the Windows kernel that a driver is compiled against",
		Install: installCommand("mingw-w64-x86-64-dev"),
	}
}

// libraryPackage is the package of a library that does not come with the compiler, "" for others.
func libraryPackage(lib string) string {
	if lib == "z" {
		return "libz-mingw-w64-dev"
	}
	return ""
}

// CheckLibraries makes sure that the libraries of a Spec are there. What is missing is a *MissingToolError.
func (tc *Toolchain) CheckLibraries(ctx context.Context, spec Spec) error {
	for _, lib := range spec.Libs {
		pkg := libraryPackage(lib)
		if pkg == "" {
			continue
		}
		out, err := runTool(ctx, "", tc.CC, "-print-file-name=lib"+lib+".a")
		if err != nil {
			return fmt.Errorf("ask %s for its libraries: %w", tc.CC, err)
		}
		if !filepath.IsAbs(strings.TrimSpace(string(out))) { // it gives the name back when there is none
			return &MissingToolError{Tool: "lib" + lib, Why: spec.Name + " is linked with it", Install: installCommand(pkg)}
		}
	}
	return nil
}
