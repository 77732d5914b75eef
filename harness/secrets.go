package harness

import (
	"fmt"
	"os"
	"strings"
	"syscall"

	"wskharness/child"
	"wskharness/remote"
	"wskharness/textfile"
)

// passwordVariables are the environment variables that have passwords of targets.
func (c *Config) passwordVariables() []string {
	var names []string
	for _, t := range c.Targets {
		if t.Static != nil && t.Static.PasswordEnv != "" {
			names = append(names, t.Static.PasswordEnv)
		}
	}
	return names
}

// environment is what a program gets of this process's environment: no password of any target, also of those that this
// run has nothing to do with.
func (c *Config) environment(also []string) child.Environment {
	return child.Environment{Also: also, Never: c.passwordVariables()}
}

// redactor knows the passwords of all targets. One that can't be read is not known: whoever needs it says why.
func (c *Config) redactor(getenv func(string) string) *remote.Redactor {
	var known []remote.Secret
	for _, t := range c.Targets {
		if t.Static == nil {
			continue
		}
		password, _ := passwordText([]byte(getenv(t.Static.PasswordEnv)))
		known = append(known, password)
		if t.Static.PasswordFile != "" {
			password, _, _ := readPassword(t.Static.PasswordFile)
			known = append(known, password)
		}
	}
	return remote.NewRedactor(known...)
}

// maxPassword bounds a password file: a mistaken path must not send a disk over the network.
const maxPassword = 4096

// readPassword reads a password file. exposed is nil, or says why somebody else may know what is in it.
func readPassword(path string) (password remote.Secret, exposed, err error) {
	data, info, err := textfile.Read(path, maxPassword)
	if err != nil {
		return "", nil, err
	}
	if password, err = passwordText(data); err != nil {
		return "", nil, fmt.Errorf("%s %w", path, err)
	}
	switch {
	case password == "":
		return "", nil, fmt.Errorf("%s is empty", path)
	case strings.ContainsAny(string(password), "\r\n"):
		return "", nil, fmt.Errorf("%s has more than one line, and is to have the password alone", path)
	}
	owner := uint32(os.Geteuid())
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		owner = stat.Uid
	}
	return password, exposure(path, info.Mode().Perm(), owner, uint32(os.Geteuid())), nil
}

// passwordText is a password as it was typed: in UTF-8, and without the line's end that editors put behind it. Its errors are
// textfile's, and show nothing of it.
func passwordText(data []byte) (remote.Secret, error) {
	text, err := textfile.Decode(data)
	return remote.Secret(strings.TrimRight(text, "\r\n")), err
}

// exposure says why somebody other than a user may read a file, nil where nobody may. Root may read everything.
func exposure(path string, mode os.FileMode, owner, user uint32) error {
	switch {
	case owner != user && owner != 0:
		return fmt.Errorf("%s belongs to another user (%d; mode %04o): make it yours with: chown %d %s && chmod 600 %s", path, owner, mode, user, path, path)
	case mode&0o077 != 0:
		return fmt.Errorf("%s is open to others (mode %04o): make it private with: chmod 600 %s", path, mode, path)
	}
	return nil
}
