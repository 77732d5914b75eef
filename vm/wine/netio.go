package wine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
)

const (
	netioPath = `C:\windows\system32\drivers\netio.sys`
	// lowerPath is where a netio.sys that replaces Wine's own finds Wine's own: driver/model forwards
	// sockets to it.
	lowerPath = `C:\windows\system32\drivers\wsklower.sys`
)

// builtinMark stands behind the DOS header of Wine's own images. Its loader takes such a file for a mere
// pointer to the image of the same name in its own folder, which a renamed file does not have.
const (
	builtinMark   = "Wine builtin DLL"
	builtinOffset = 0x40
)

// Of the PE format: where a file says where its headers are, and where those have AddressOfEntryPoint.
const (
	lfanew      = 0x3C
	entryOffset = 4 + 20 + 16
)

// replaceNetio puts a netio.sys in place of Wine's own in a prefix, and keeps Wine's own beside it, as a
// file that its loader takes as it is.
func replaceNetio(prefix, netio string) error {
	own, err := unixPath(prefix, netioPath)
	if err != nil {
		return err
	}
	image, err := os.ReadFile(own)
	if err != nil {
		return err
	}
	end := builtinOffset + len(builtinMark)
	if len(image) < end || string(image[builtinOffset:end]) != builtinMark {
		return fmt.Errorf("%s is not Wine's own: there is no %q at 0x%x", own, builtinMark, builtinOffset)
	}
	copy(image[builtinOffset:end], make([]byte, len(builtinMark)))
	// The loader would call its DriverEntry as a DllMain, and take STATUS_SUCCESS for a failure. It has
	// nothing to do: all is initialized by the first WskRegister.
	entry := int(binary.LittleEndian.Uint32(image[lfanew:])) + entryOffset
	if entry < 0 || entry+4 > len(image) {
		return fmt.Errorf("%s is no image: its headers are said to be at 0x%x", own, entry-entryOffset)
	}
	copy(image[entry:entry+4], make([]byte, 4))
	lower, err := unixPath(prefix, lowerPath)
	if err != nil {
		return err
	}
	if err := os.WriteFile(lower, image, 0o644); err != nil {
		return errors.Join(err, os.Remove(lower))
	}
	return put(prefix, netioPath, netio)
}
