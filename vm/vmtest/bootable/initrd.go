package bootable

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// writeInitrd writes the guest's first file system: the program as /init, its configuration, and the modules with numbers before
// their names, by which it loads them in their order. It is not compressed, which costs more time in an emulated processor than
// to read it.
func writeInitrd(to, program string, modules []string, config []byte) error {
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	defer f.Close()
	out := bufio.NewWriter(f)
	a := archive{to: out}
	for _, folder := range []string{"proc", "sys", "dev", "disk", "modules"} {
		a.entry(folder, 0o040755, nil)
	}
	a.file("init", 0o100755, program)
	a.entry("guest.json", 0o100600, config)
	for n, module := range modules {
		a.file(fmt.Sprintf("modules/%02d-%s", n, filepath.Base(module)), 0o100644, module)
	}
	a.entry("TRAILER!!!", 0, nil)
	if a.err != nil {
		return a.err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	return f.Close()
}

// archive is a cpio archive in the "newc" format, the one that Linux unpacks an initrd from
// (Documentation/driver-api/early-userspace/buffer-format.rst).
type archive struct {
	to    io.Writer
	inode int
	err   error
}

func (a *archive) file(name string, mode int, from string) {
	data, err := os.ReadFile(from)
	if err != nil {
		a.err = err
		return
	}
	a.entry(name, mode, data)
}

// entry writes one: a header of thirteen numbers of eight hexadecimal digits, the name with a NUL, the content; name and content
// end at a multiple of four bytes.
func (a *archive) entry(name string, mode int, data []byte) {
	if a.err != nil {
		return
	}
	a.inode++
	links := 1
	const magic, owner, group, time, device = "070701", 0, 0, 0, 0
	header := fmt.Sprintf("%s%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", magic, a.inode, mode, owner, group, links, time,
		len(data), device, device, device, device, len(name)+1, 0)
	const alignment = 4
	head := header + name + "\x00"
	head += string(make([]byte, -len(head)&(alignment-1)))
	if _, a.err = io.WriteString(a.to, head); a.err != nil {
		return
	}
	_, a.err = a.to.Write(append(data, make([]byte, -len(data)&(alignment-1))...))
}
