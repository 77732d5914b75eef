package child

import "strings"

// sameName reports whether two names are of the same variable: PATH is Path, as often as not.
func sameName(one, other string) bool { return strings.EqualFold(one, other) }

// basics are those without which hardly any program runs.
var basics = []string{"PATH", "PATHEXT", "TEMP", "TMP", "SystemRoot", "SystemDrive", "windir", "ComSpec"}

// ordinary are others that every program may have, and prefixes the beginnings of such: whose folders and which processors
// there are, by which compilers and installers find themselves.
var (
	ordinary = []string{
		"OS", "USERNAME", "USERDOMAIN", "USERPROFILE", "HOMEDRIVE", "HOMEPATH", "HOME", "COMPUTERNAME", "NUMBER_OF_PROCESSORS",
		"APPDATA", "LOCALAPPDATA", "ProgramData", "ALLUSERSPROFILE", "PUBLIC", "PSModulePath", "DriverData", "LANG",
	}
	prefixes = []string{"PROCESSOR_", "ProgramFiles", "ProgramW6432", "CommonProgramFiles", "CommonProgramW6432", "LC_", "CCACHE_"}
)
