package host

import (
	"fmt"

	"golang.org/x/sys/windows"
)

// system is the version of Windows, whatever the program's manifest says that it knows (RtlGetVersion).
func system() string {
	v := windows.RtlGetVersion()
	return fmt.Sprintf("Windows %d.%d.%d", v.MajorVersion, v.MinorVersion, v.BuildNumber)
}
