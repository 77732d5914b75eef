//go:build linux

package vmimage

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"

	"wskharness/child"
	"wskharness/driver"
	"wskharness/guest"
	"wskharness/vm/vmtest/bootable"
	"wskharness/vm/wine"
)

// build makes the virtual machine with the Wine that is installed here, or finds it in the cache.
func build(ctx context.Context) (*bootable.Guest, error) {
	cache, err := driver.DefaultCache()
	if err != nil {
		return nil, err
	}
	software, err := wine.Find(ctx)
	if err != nil {
		return nil, err
	}
	toolchain, err := driver.FindToolchain(ctx)
	if err != nil {
		return nil, err
	}
	host, err := driver.Build(ctx, toolchain, wine.Kind().Form().Define(nil, nil).Builds["winrshost.exe"], cache)
	if err != nil {
		return nil, err
	}
	agent, err := driver.Build(ctx, toolchain, driver.AgentSpec(), cache)
	if err != nil {
		return nil, err
	}
	d := &disk{cache: cache.Dir, software: software, host: host.Path, agent: agent}
	return bootable.Make(ctx, bootable.Recipe{
		Name: "wine", Program: "wskharness/vmimage/inside", Disk: d.fill,
		Content: fmt.Sprintln("layout 3", software, host.SHA256, agent.SHA256),
	})
}

// disk is what is on the machine's disk: the parts of Wine that drivers need, the libraries that these need, a prefix, and in
// that the agent, so that no run has to bring it in.
type disk struct {
	cache    string
	software *wine.Software
	host     string
	agent    *driver.Artifact
}

const (
	libraries = "/usr/lib/x86_64-linux-gnu"
	diskSize  = 1 << 30 // sparse: what is on it is a quarter of that
)

// dynamic are libraries that Wine loads by name, where they are installed.
var dynamic = []string{"libfreetype.so.6", "libgnutls.so.30", "libgcc_s.so.1"}

func (d *disk) fill(ctx context.Context, root string) (size int64, err error) {
	for _, folder := range []string{"dev", "proc", "sys", "tmp", "etc", "root", "usr/lib/wine", libraries} {
		if err := os.MkdirAll(filepath.Join(root, folder), 0o755); err != nil {
			return 0, err
		}
	}
	for link, to := range map[string]string{"lib": "usr/lib", "lib64": "usr/lib64", "bin": "usr/bin"} {
		if err := os.Symlink(to, filepath.Join(root, link)); err != nil {
			return 0, err
		}
	}
	me, err := user.Current()
	if err != nil {
		return 0, err
	}
	// In the machine everybody is root, but by the name of whoever made the prefix: it is in its paths.
	for name, text := range map[string]string{
		"passwd": fmt.Sprintf("%s:x:0:0::/root:/bin/sh\n", me.Username),
		"hosts":  "127.0.0.1 localhost wine\n",
	} {
		if err := os.WriteFile(filepath.Join(root, "etc", name), []byte(text), 0o644); err != nil {
			return 0, err
		}
	}
	for _, from := range []string{d.software.Loader, d.software.Server} {
		if err := copyTo(root, from); err != nil {
			return 0, err
		}
	}
	for _, tree := range []string{libraries + "/wine/x86_64-unix", libraries + "/wine/x86_64-windows", "/usr/share/wine"} {
		if err := copyTree(root, tree); err != nil {
			return 0, err
		}
	}
	if err := copyLibraries(root, d.software); err != nil {
		return 0, err
	}
	if err := stripAll(ctx, filepath.Join(root, libraries, "wine/x86_64-windows")); err != nil {
		return 0, err
	}
	if err := copyFile(d.host, filepath.Join(root, "winrshost.exe"), 0o755); err != nil {
		return 0, err
	}
	return diskSize, d.prefix(ctx, filepath.Join(root, "prefix"))
}

// prefix makes the guest's. Programs of 32 bits are not run here.
func (d *disk) prefix(ctx context.Context, prefix string) error {
	if err := wine.Prefix(ctx, d.cache, prefix, d.software); err != nil {
		return err
	}
	drive := filepath.Join(prefix, "drive_c")
	small := filepath.Join(drive, "windows", "syswow64")
	if err := os.RemoveAll(small); err != nil {
		return err
	}
	if err := os.Mkdir(small, 0o755); err != nil {
		return err
	}
	if err := linkCopies(drive, libraries+"/wine/x86_64-windows"); err != nil {
		return err
	}
	if err := waitLonger(filepath.Join(prefix, "system.reg")); err != nil {
		return err
	}
	agent := strings.ReplaceAll(strings.TrimPrefix(guest.AgentPath(d.agent.SHA256), `C:\`), `\`, "/")
	if err := os.MkdirAll(filepath.Dir(filepath.Join(drive, agent)), 0o755); err != nil {
		return err
	}
	return copyFile(d.agent.Path, filepath.Join(drive, agent), 0o755)
}

// waitLonger has Wine's service manager wait for ten minutes until a driver's process answers, which is ten seconds otherwise:
// an emulated machine may take longer, and then no driver starts in that boot any more. It is text there, in milliseconds: Wine
// takes no number (load_registry_parameters in programs/services/services.c of its sources). The registry may be a link to
// the template's: it is replaced.
func waitLonger(registry string) error {
	text, err := os.ReadFile(registry)
	if err != nil {
		return err
	}
	if err := os.Remove(registry); err != nil {
		return err
	}
	text = append(text, "\n[System\\\\CurrentControlSet\\\\Control] 1\n\"ServicesPipeTimeout\"=\"600000\"\n"...)
	return os.WriteFile(registry, text, 0o644)
}

// linkCopies puts links in the place of what a prefix has copies of, as it has where nothing confines guests: the disk would be
// three times as large.
func linkCopies(drive, originals string) error {
	return filepath.WalkDir(drive, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		original := filepath.Join(originals, entry.Name())
		info, err := os.Stat(original)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		own, ownErr := entry.Info()
		if err := errors.Join(err, ownErr); err != nil || info.Size() != own.Size() {
			return err
		}
		if err := os.Remove(path); err != nil {
			return err
		}
		return os.Symlink(original, path)
	})
}

// copyLibraries copies the libraries that Wine's are linked with, those that these are, and so on: what is not installed Wine
// does without.
func copyLibraries(root string, software *wine.Software) error {
	wanted := slices.Clone(dynamic)
	parts, err := filepath.Glob(libraries + "/wine/x86_64-unix/*.so")
	if err != nil {
		return err
	}
	for _, file := range append(parts, software.Loader, software.Server) {
		needed, err := neededBy(file)
		if err != nil {
			return err
		}
		wanted = append(wanted, needed...)
	}
	done := map[string]bool{}
	for len(wanted) > 0 {
		name := wanted[0]
		wanted = wanted[1:]
		path := filepath.Join(libraries, name)
		if _, err := os.Stat(path); done[name] || err != nil {
			continue
		}
		done[name] = true
		needed, err := neededBy(path)
		if err != nil {
			return err
		}
		wanted = append(wanted, needed...)
		if err := copyFile(path, filepath.Join(root, path), 0o755); err != nil {
			return err
		}
	}
	// The dynamic loader goes by this name in every program.
	const loader = "/lib64/ld-linux-x86-64.so.2"
	if err := os.MkdirAll(filepath.Join(root, "usr/lib64"), 0o755); err != nil {
		return err
	}
	return copyFile(loader, filepath.Join(root, "usr", loader), 0o755)
}

func neededBy(file string) ([]string, error) {
	f, err := elf.Open(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	defer f.Close()
	return f.ImportedLibraries()
}

// stripAll takes out what only debuggers read, four fifths of Wine's programs. Their mark as Wine's own stays.
func stripAll(ctx context.Context, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	env, err := child.Environment{}.List()
	if err != nil {
		return err
	}
	args := []string{"--strip-debug"}
	for _, entry := range entries {
		args = append(args, entry.Name())
	}
	cmd := child.Command(ctx, env, "x86_64-w64-mingw32-strip", args...)
	cmd.Dir = dir
	said, err := cmd.CombinedOutput()
	// There are tables and type libraries among them that are no programs.
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		return fmt.Errorf("strip Wine's programs: %w: %s", err, said)
	}
	return nil
}

// copyTo copies a file to its place below another root.
func copyTo(root, path string) error {
	return copyFile(path, filepath.Join(root, path), 0o755)
}

// copyTree copies a folder to its place below another root. Times stay: by one of them Wine knows that its prefix is up to date.
func copyTree(root, tree string) error {
	return filepath.WalkDir(tree, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			return os.MkdirAll(filepath.Join(root, path), 0o755)
		}
		return copyTo(root, path)
	})
}

// copyFile copies what is at a path, through links.
func copyFile(from, to string, mode fs.FileMode) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close(), os.Chtimes(to, info.ModTime(), info.ModTime()))
}
