package prepare

import (
	"fmt"
	"strconv"

	"wskharness/prepare/windows"
)

// Elements of the boot configuration: Place is the object, Name the element in hexadecimal. They are read in the registry, which
// has no language, and written by bcdedit, since only it and the system may (Microsoft, "BCDEdit /set"; "BCD WMI provider").
const bootKind = "boot"

// element is one that is changed here: bcdedit's name of it, and how bcdedit wants its value.
type element struct{ code, name, format string }

// Elements, as BcdLibraryElementTypes and BcdOSLoaderElementTypes have them.
const (
	testSigning   = "16000049"
	debugOn       = "160000a0"
	debugType     = "15000011"
	debugPort     = "15000012"
	debugBaud     = "15000013"
	debugHost     = "1500001a"
	debugHostPort = "1500001b"
	debugKey      = "1200001d"
	debugDHCP     = "1600001c"
)

var elements = []element{
	{testSigning, "testsigning", "boolean"}, {debugOn, "debug", "boolean"}, {debugType, "debugtype", "word"},
	{debugPort, "debugport", "integer"}, {debugBaud, "baudrate", "integer"}, {debugHost, "hostip", "address"},
	{debugHostPort, "port", "integer"}, {debugKey, "key", "text"}, {debugDHCP, "dhcp", "boolean"},
}

// debugTypes are the words for the numbers of debugtype.
var debugTypes = []string{"serial", "1394", "usb", "net", "local"}

func boot(object, code string) item { return item{bootKind, object, code} }

func elementName(code string) string {
	for _, e := range elements {
		if e.code == code {
			return e.name
		}
	}
	return code
}

// yes and no are boolean elements, as the registry has them.
func yes() state { return state{Type: windows.Binary, Data: "01"} }

// number is an integer element: eight bytes, the lowest first.
func number(n uint64) state {
	data := ""
	for range 8 {
		data += fmt.Sprintf("%02x", byte(n))
		n >>= 8
	}
	return state{Type: windows.Binary, Data: data}
}

func readBoot(i item) windows.Call { return windows.Element(i.Place, i.Name) }

func writeBoot(i item, _, to state) ([]windows.Call, error) {
	for _, e := range elements {
		if e.code != i.Name {
			continue
		}
		if to.Type == windows.Absent {
			return []windows.Call{windows.Program("bcdedit.exe", "/deletevalue", i.Place, e.name)}, nil
		}
		value, err := e.value(to)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", i, err)
		}
		return []windows.Call{windows.Program("bcdedit.exe", "/set", i.Place, e.name, value)}, nil
	}
	return nil, fmt.Errorf("%s: an element that this version does not know", i)
}

// value is a state as bcdedit wants it.
func (e element) value(s state) (string, error) {
	if e.format == "text" {
		return s.Data, nil
	}
	if s.Type != windows.Binary || len(s.Data) == 0 || len(s.Data) > 16 || len(s.Data)%2 != 0 {
		return "", fmt.Errorf("%s %q is no number of the boot configuration", s.Type, s.Data)
	}
	var n uint64
	for at := len(s.Data) - 2; at >= 0; at -= 2 {
		b, err := strconv.ParseUint(s.Data[at:at+2], 16, 8)
		if err != nil {
			return "", err
		}
		n = n<<8 | b
	}
	switch {
	case e.format == "boolean" && n <= 1:
		return []string{"off", "on"}[n], nil
	case e.format == "word" && n < uint64(len(debugTypes)):
		return debugTypes[n], nil
	case e.format == "address":
		return address(n), nil
	case e.format == "integer":
		return strconv.FormatUint(n, 10), nil
	}
	return "", fmt.Errorf("%d is no %s", n, e.name)
}
