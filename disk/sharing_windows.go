package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Rights of an access list's entry, of those that matter here (winnt.h).
const (
	readRights  = windows.FILE_READ_DATA | windows.GENERIC_READ | windows.GENERIC_ALL
	writeRights = windows.FILE_WRITE_DATA | windows.FILE_APPEND_DATA | windows.WRITE_DAC | windows.WRITE_OWNER | windows.DELETE |
		windows.GENERIC_WRITE | windows.GENERIC_ALL
)

// SharingOf tells what others may do with what was found at a path, by its access list.
func SharingOf(path string, _ fs.FileInfo) (Sharing, error) {
	sd, err := windows.GetNamedSecurityInfo(path, windows.SE_FILE_OBJECT, windows.OWNER_SECURITY_INFORMATION|windows.DACL_SECURITY_INFORMATION)
	if err != nil {
		return Sharing{}, &fs.PathError{Op: "read the access list of", Path: path, Err: err}
	}
	user, err := currentUser()
	if err != nil {
		return Sharing{}, err
	}
	var s Sharing
	if owner, _, err := sd.Owner(); err == nil && owner != nil && !owner.Equals(user) && !isSystem(owner) {
		s.Owner = nameOf(owner)
	}
	list, _, err := sd.DACL()
	switch {
	case errors.Is(err, windows.ERROR_OBJECT_NOT_FOUND) || err == nil && list == nil: // a file system without any, as FAT
		s.Read, s.Write, s.How = true, true, "it has no access list"
		return s, nil
	case err != nil:
		return Sharing{}, &fs.PathError{Op: "read the access list of", Path: path, Err: err}
	}
	for i := range uint32(list.AceCount) {
		var ace *windows.ACCESS_ALLOWED_ACE
		if err := windows.GetAce(list, i, &ace); err != nil {
			return Sharing{}, &fs.PathError{Op: "read the access list of", Path: path, Err: err}
		}
		if ace.Header.AceType != windows.ACCESS_ALLOWED_ACE_TYPE || ace.Header.AceFlags&windows.INHERIT_ONLY_ACE != 0 {
			continue
		}
		who := (*windows.SID)(unsafe.Pointer(&ace.SidStart))
		if who.Equals(user) || isSystem(who) {
			continue
		}
		read, write := ace.Mask&readRights != 0, ace.Mask&writeRights != 0
		switch {
		case write:
			s.How = nameOf(who) + " may write to it"
		case read && s.How == "":
			s.How = nameOf(who) + " may read it"
		}
		s.Read, s.Write = s.Read || read, s.Write || write
	}
	return s, nil
}

// currentUser is the user of this process.
func currentUser() (*windows.SID, error) {
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return nil, fmt.Errorf("ask who this user is: %w", err)
	}
	return user.User.Sid, nil
}

// isSystem reports whether somebody is of the system, or may do what he likes on it.
func isSystem(who *windows.SID) bool {
	for _, known := range []windows.WELL_KNOWN_SID_TYPE{
		windows.WinLocalSystemSid, windows.WinBuiltinAdministratorsSid, windows.WinCreatorOwnerSid, windows.WinCreatorOwnerRightsSid,
	} {
		if who.IsWellKnown(known) {
			return true
		}
	}
	return false
}

// nameOf is what somebody is called, or where nobody knows, the number.
func nameOf(who *windows.SID) string {
	account, domain, _, err := who.LookupAccount("")
	switch {
	case err != nil:
		return who.String()
	case domain == "":
		return account
	}
	return domain + `\` + account
}

// closeToOthers gives a file an access list that lets this user, administrators and the system do everything, and nobody
// else anything, whatever its folder says. On a file system without access lists it does nothing.
func closeToOthers(path string) error {
	user, err := currentUser()
	if err != nil {
		return err
	}
	sd, err := windows.SecurityDescriptorFromString("D:P(A;;FA;;;" + user.String() + ")(A;;FA;;;SY)(A;;FA;;;BA)")
	if err != nil {
		return &fs.PathError{Op: "close to others", Path: path, Err: err}
	}
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return &fs.PathError{Op: "close to others", Path: path, Err: err}
	}
	file, err := windows.CreateFile(name, windows.WRITE_DAC|windows.READ_CONTROL, windows.FILE_SHARE_READ|windows.FILE_SHARE_WRITE|windows.FILE_SHARE_DELETE,
		nil, windows.OPEN_EXISTING, windows.FILE_FLAG_BACKUP_SEMANTICS, 0)
	if err == nil {
		// Not SetNamedSecurityInfo, of which Wine's adds what the folder would have its files inherit.
		err = windows.SetKernelObjectSecurity(file, windows.DACL_SECURITY_INFORMATION|windows.PROTECTED_DACL_SECURITY_INFORMATION, sd)
		_ = windows.CloseHandle(file)
	}
	if err != nil && !anyOf(err, windows.ERROR_NOT_SUPPORTED, windows.ERROR_INVALID_FUNCTION) {
		return &fs.PathError{Op: "close to others", Path: path, Err: err}
	}
	return nil
}

// User is what this user is called where an owner is told.
func User() string {
	user, err := currentUser()
	if err != nil {
		return "unknown"
	}
	return nameOf(user)
}

// ToClose is a command by which a file, or a folder, becomes this user's alone.
func ToClose(path string, folder bool) string {
	rights := "F"
	if folder {
		rights = "(OI)(CI)F"
	}
	return fmt.Sprintf(`icacls "%s" /inheritance:r /grant:r "%s:%s"`, path, User(), rights)
}

// ToOwn is a command by which a file becomes this user's, and his alone.
func ToOwn(path string) string {
	return fmt.Sprintf(`icacls "%s" /setowner "%s" && %s`, path, User(), ToClose(path, false))
}
