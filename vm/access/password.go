package access

import (
	"fmt"
	"strings"

	"wskharness/disk"
	"wskharness/remote"
	"wskharness/textfile"
)

// maxPassword bounds a password file: a mistaken path must not send a disk over the network.
const maxPassword = 4096

// readPassword reads a password file. exposed is nil, or says why somebody else may know what is in it.
func readPassword(path string) (password remote.Secret, exposed, err error) {
	data, exposed, err := readPrivate(path, maxPassword)
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
	return password, exposed, nil
}

// readPrivate reads a file that nobody else is to read. exposed is nil, or says why somebody else may.
func readPrivate(path string, limit int64) (data []byte, exposed, err error) {
	data, info, err := textfile.Read(path, limit)
	if err != nil {
		return nil, nil, err
	}
	sharing, err := disk.SharingOf(path, info)
	if err != nil {
		return nil, nil, err
	}
	return data, exposure(path, sharing), nil
}

// passwordText is a password as it was typed: in UTF-8, and without the line's end that editors put behind it. Its errors are
// textfile's, and show nothing of it.
func passwordText(data []byte) (remote.Secret, error) {
	text, err := textfile.Decode(data)
	return remote.Secret(strings.TrimRight(text, "\r\n")), err
}

// exposure says why somebody other than the user may read a file, nil where nobody may. Root may read everything.
func exposure(path string, sharing disk.Sharing) error {
	switch {
	case sharing.Owner != "" && !sharing.System:
		return fmt.Errorf("%s belongs to another user (%s; %s): make it yours with: %s", path, sharing.Owner, sharing.How, disk.ToOwn(path))
	case sharing.Read || sharing.Write:
		return fmt.Errorf("%s is open to others (%s): make it private with: %s", path, sharing.How, disk.ToClose(path, false))
	}
	return nil
}
