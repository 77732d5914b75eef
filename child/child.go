// Package child is the one place from which this program starts others: compilers, the builds of users, the programs
// that reset a machine, Wine, and itself. None of them inherits the environment, which has the passwords of targets in
// it: each is given one that somebody decided on.
//
//	env, err := child.Environment{Also: []string{"IPMI_PASSWORD"}}.List()
//	cmd := child.Command(ctx, env, "ipmitool", "-E", "chassis", "power", "reset")
package child

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// Command is a program that is to be started with exactly this environment, which may be empty. Nobody else in this
// module calls exec.Command: a command that is made there inherits everything, unless its maker thinks of it.
func Command(ctx context.Context, env []string, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append([]string{}, env...) // never nil, which would stand for all that this process has
	setLine(cmd)
	return cmd
}

// Environment is what a program gets of this process's environment: what most programs need, and what was asked for
// by name.
type Environment struct {
	Also  []string // what it gets beyond that: a variable that is not set is an error
	Never []string // what it does not get, whatever else is said: the variables that have passwords
}

// UnsetError names a variable that a program was to be given, and that is not there.
type UnsetError struct{ Name string }

func (e *UnsetError) Error() string {
	return fmt.Sprintf("the environment variable %s, which it is to be given, is not set: export it", e.Name)
}

// List is the environment as a program gets it.
func (e Environment) List() ([]string, error) {
	env := e.basics()
	for _, name := range e.Also {
		value, set := os.LookupEnv(name)
		switch {
		case e.never(name):
			continue
		case !set:
			return nil, &UnsetError{Name: name}
		}
		env = append(env, name+"="+value)
	}
	return env, nil
}

// Values are what the variables of this process hold whose names match: for whoever takes them out of a text.
func Values(match func(name string) bool) (values []string) {
	for _, variable := range os.Environ() {
		if name, value, _ := strings.Cut(variable, "="); match(name) {
			values = append(values, value)
		}
	}
	return values
}

// basics is what every program gets.
func (e Environment) basics() []string {
	var env []string
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if harmless(name) && !e.never(name) {
			env = append(env, variable)
		}
	}
	return env
}

func (e Environment) never(name string) bool {
	return slices.ContainsFunc(e.Never, func(one string) bool { return sameName(one, name) })
}

// Basics are variables that a program can hardly do without, by their names: where programs, temporary files and the system
// itself are.
func Basics() []string { return basics }

// harmless reports whether every program may have a variable: without these, programs are not found, speak another
// language, look for their settings and caches elsewhere, or build other bytes. What is not among them, and why:
//
//   - proxies, and the sockets of ssh and gpg agents: with them goes a password, or what is as good as one;
//   - MAKEFLAGS and MAKELEVEL: they are about the make that started this program, and its job server is not inherited;
//   - CC, CFLAGS, CPATH, INCLUDE, LIB, LD_LIBRARY_PATH and their like: a driver should not depend on the shell in which it
//     was built.
func harmless(name string) bool {
	is := func(one string) bool { return sameName(one, name) }
	return slices.ContainsFunc(basics, is) || slices.ContainsFunc(ordinary, is) || slices.ContainsFunc(everywhere, is) ||
		slices.ContainsFunc(prefixes, func(prefix string) bool { return len(name) >= len(prefix) && sameName(prefix, name[:len(prefix)]) })
}

// everywhere are variables of programs rather than of systems.
var everywhere = []string{
	"TERM", "TZ", "SOURCE_DATE_EPOCH",
	// Go's runtime is set by these: what is started may be this program itself.
	"GODEBUG", "GOGC", "GOMAXPROCS", "GOMEMLIMIT", "GORACE", "GOTRACEBACK",
}
