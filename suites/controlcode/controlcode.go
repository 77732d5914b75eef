// Package controlcode reads control codes of devices as the driver kit's macro writes them.
package controlcode

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

type named struct {
	name string
	code uint64
}

// Names of the macro CTL_CODE and their numbers: winioctl.h and wdm.h, as the reference has them under "Specifying Device
// Types" and "Defining I/O Control Codes".

func deviceTypes() []named {
	return []named{
		{"FILE_DEVICE_BEEP", 0x01}, {"FILE_DEVICE_CD_ROM", 0x02}, {"FILE_DEVICE_CD_ROM_FILE_SYSTEM", 0x03},
		{"FILE_DEVICE_CONTROLLER", 0x04}, {"FILE_DEVICE_DATALINK", 0x05}, {"FILE_DEVICE_DFS", 0x06},
		{"FILE_DEVICE_DISK", 0x07}, {"FILE_DEVICE_DISK_FILE_SYSTEM", 0x08}, {"FILE_DEVICE_FILE_SYSTEM", 0x09},
		{"FILE_DEVICE_INPORT_PORT", 0x0a}, {"FILE_DEVICE_KEYBOARD", 0x0b}, {"FILE_DEVICE_MAILSLOT", 0x0c},
		{"FILE_DEVICE_MIDI_IN", 0x0d}, {"FILE_DEVICE_MIDI_OUT", 0x0e}, {"FILE_DEVICE_MOUSE", 0x0f},
		{"FILE_DEVICE_MULTI_UNC_PROVIDER", 0x10}, {"FILE_DEVICE_NAMED_PIPE", 0x11}, {"FILE_DEVICE_NETWORK", 0x12},
		{"FILE_DEVICE_NETWORK_BROWSER", 0x13}, {"FILE_DEVICE_NETWORK_FILE_SYSTEM", 0x14}, {"FILE_DEVICE_NULL", 0x15},
		{"FILE_DEVICE_PARALLEL_PORT", 0x16}, {"FILE_DEVICE_PHYSICAL_NETCARD", 0x17}, {"FILE_DEVICE_PRINTER", 0x18},
		{"FILE_DEVICE_SCANNER", 0x19}, {"FILE_DEVICE_SERIAL_MOUSE_PORT", 0x1a}, {"FILE_DEVICE_SERIAL_PORT", 0x1b},
		{"FILE_DEVICE_SCREEN", 0x1c}, {"FILE_DEVICE_SOUND", 0x1d}, {"FILE_DEVICE_STREAMS", 0x1e},
		{"FILE_DEVICE_TAPE", 0x1f}, {"FILE_DEVICE_TAPE_FILE_SYSTEM", 0x20}, {"FILE_DEVICE_TRANSPORT", 0x21},
		{"FILE_DEVICE_UNKNOWN", 0x22}, {"FILE_DEVICE_VIDEO", 0x23}, {"FILE_DEVICE_VIRTUAL_DISK", 0x24},
		{"FILE_DEVICE_WAVE_IN", 0x25}, {"FILE_DEVICE_WAVE_OUT", 0x26}, {"FILE_DEVICE_8042_PORT", 0x27},
		{"FILE_DEVICE_NETWORK_REDIRECTOR", 0x28}, {"FILE_DEVICE_BATTERY", 0x29}, {"FILE_DEVICE_BUS_EXTENDER", 0x2a},
		{"FILE_DEVICE_MODEM", 0x2b}, {"FILE_DEVICE_VDM", 0x2c}, {"FILE_DEVICE_MASS_STORAGE", 0x2d},
		{"FILE_DEVICE_SMB", 0x2e}, {"FILE_DEVICE_KS", 0x2f}, {"FILE_DEVICE_CHANGER", 0x30},
		{"FILE_DEVICE_SMARTCARD", 0x31}, {"FILE_DEVICE_ACPI", 0x32}, {"FILE_DEVICE_DVD", 0x33},
		{"FILE_DEVICE_FULLSCREEN_VIDEO", 0x34}, {"FILE_DEVICE_DFS_FILE_SYSTEM", 0x35}, {"FILE_DEVICE_DFS_VOLUME", 0x36},
		{"FILE_DEVICE_SERENUM", 0x37}, {"FILE_DEVICE_TERMSRV", 0x38}, {"FILE_DEVICE_KSEC", 0x39},
		{"FILE_DEVICE_FIPS", 0x3a}, {"FILE_DEVICE_INFINIBAND", 0x3b},
	}
}

func transferMethods() []named {
	return []named{{"METHOD_BUFFERED", 0}, {"METHOD_IN_DIRECT", 1}, {"METHOD_OUT_DIRECT", 2}, {"METHOD_NEITHER", 3}}
}

func requestAccess() []named {
	return []named{{"FILE_ANY_ACCESS", 0}, {"FILE_SPECIAL_ACCESS", 0}, {"FILE_READ_ACCESS", 1}, {"FILE_READ_DATA", 1},
		{"FILE_WRITE_ACCESS", 2}, {"FILE_WRITE_DATA", 2}}
}

var ctlCode = regexp.MustCompile(`^CTL_CODE\s*\((.*)\)$`)

// Parse does what the macro CTL_CODE(type, function, method, access) does: Type << 16 | Access << 14 | Function << 2 | Method.
func Parse(text string) (uint64, error) {
	m := ctlCode.FindStringSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("%q does not end with its parenthesis; between braces its commas would end it, so it has to be in quotes there", text)
	}
	parts := strings.Split(m[1], ",")
	if len(parts) != 4 {
		return 0, fmt.Errorf("CTL_CODE has %d arguments, not 4", len(parts))
	}
	var fields [4]uint64
	for i, field := range []struct {
		name  string
		names []named
		most  uint64
	}{{"type", deviceTypes(), 0xFFFF}, {"function", nil, 0xFFF}, {"method", transferMethods(), 3}, {"access", requestAccess(), 3}} {
		alternatives := []string{parts[i]}
		if field.name == "access" {
			alternatives = strings.Split(parts[i], "|")
		}
		for _, one := range alternatives {
			number, err := macroArgument(strings.Trim(one, " \t()"), field.names, field.most)
			if err != nil {
				return 0, fmt.Errorf("the %s of CTL_CODE %w", field.name, err)
			}
			fields[i] |= number
		}
	}
	return fields[0]<<16 | fields[3]<<14 | fields[1]<<2 | fields[2], nil
}

func macroArgument(text string, names []named, most uint64) (uint64, error) {
	for _, n := range names {
		if n.name == text {
			return n.code, nil
		}
	}
	number, err := cNumber(text, most)
	if err != nil && len(names) > 0 {
		return 0, fmt.Errorf("is %q: neither a name that it can have nor a number up to %#x", text, most)
	}
	if err != nil {
		return 0, fmt.Errorf("is %q: not a number up to %#x", text, most)
	}
	return number, nil
}

// cNumber reads a number as C has it: decimal or after 0x, with u and l behind it.
func cNumber(text string, most uint64) (uint64, error) {
	plain := strings.TrimRight(text, "uUlL")
	if len(plain) > 1 && plain[0] == '0' && plain[1] != 'x' && plain[1] != 'X' {
		return 0, strconv.ErrSyntax // octal in C, and hardly meant so
	}
	base, digits := 10, plain
	if len(plain) > 2 && (plain[:2] == "0x" || plain[:2] == "0X") {
		base, digits = 16, plain[2:]
	}
	number, err := strconv.ParseUint(digits, base, 64)
	if err == nil && number > most {
		err = strconv.ErrRange
	}
	return number, err
}
