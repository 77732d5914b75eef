//go:build unix

package child

// sameName reports whether two names are of the same variable.
func sameName(one, other string) bool { return one == other }

// basics are those without which hardly any program runs.
var basics = []string{"PATH", "TMPDIR"}

// ordinary are others that every program may have, and prefixes the beginnings of such.
var (
	ordinary = []string{"HOME", "USER", "LOGNAME", "SHELL", "TMP", "TEMP", "LANG", "LANGUAGE"}
	prefixes = []string{"LC_", "XDG_", "CCACHE_"}
)
