// Package windows asks a Windows, and changes it, by a few simple calls: a registry value, an element of the boot
// configuration, a certificate, a file, a program of the system, an object of WMI. All calls of a list travel in one
// conversation, are executed in their order, and each has an answer of its own:
//
//	answers, err := host.Do(ctx, []windows.Call{
//		windows.Value(`SYSTEM\CurrentControlSet\Control\CrashControl`, "CrashDumpEnabled"),
//		windows.Program("bcdedit.exe", "/set", "{current}", "testsigning", "on"),
//	})
//
// What the calls mean to each other is not known here: that is package prepare. What executes them on the other side is one
// script (calls.ps1), the same for all of them, which gets the list as JSON and answers JSON.
//
// No call depends on the language of the Windows: states come from the registry, from WMI and from JSON, and of what a program
// prints only numbers and identifiers are read.
package windows

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"

	"wskharness/remote"
)

// Call is one thing that is asked of a Windows, or done to it. Keys of the registry are below HKEY_LOCAL_MACHINE.
type Call struct {
	Do         string   `json:"do"`
	Key        string   `json:"key,omitempty"`
	Name       string   `json:"name,omitempty"`
	Type       string   `json:"type,omitempty"`
	Data       string   `json:"data,omitempty"`
	Keep       string   `json:"keep,omitempty"`       // of what is deleted: the key, or the folder, that stays although it is empty
	Program    string   `json:"program,omitempty"`    // in System32
	Line       string   `json:"line,omitempty"`       // its arguments, quoted
	Store      string   `json:"store,omitempty"`      // of certificates, of the machine
	Path       string   `json:"path,omitempty"`       // of a file
	Namespace  string   `json:"namespace,omitempty"`  // of WMI
	Query      string   `json:"query,omitempty"`      // of WMI
	Properties []string `json:"properties,omitempty"` // of the objects that are asked for
	Resource   string   `json:"resource,omitempty"`   // of WS-Management, on the machine itself
	Was        string   `json:"was,omitempty"`        // of a file that is written: SHA-256 of what it has to be before, or "absent"
	Expect     []int    `json:"expect,omitempty"`     // the exit codes of a program that are no failure
	User       string   `json:"user,omitempty"`       // a local account

	Secret remote.Secret `json:"-"` // its password: it is in what the script reads on its input, and nowhere else
}

// Types of a registry value, as its Data has it: numbers in decimal, texts as they are, lists with a NUL between two, bytes in
// hexadecimal. What is of another type is told by its name, and without data.
const (
	DWord       = "DWord"
	QWord       = "QWord"
	Text        = "String"
	ExpandText  = "ExpandString"
	List        = "MultiString"
	Binary      = "Binary"
	Absent      = "" // there is no such value
	Certificate = "Certificate"
	File        = "File"
)

// Value reads a registry value. Where its key is not there, the answer's Key is the nearest above it that is.
func Value(key, name string) Call { return Call{Do: "value", Key: key, Name: name} }

// Values reads the values of a key whose names begin so.
func Values(key, prefix string) Call { return Call{Do: "values", Key: key, Name: prefix} }

// SetValue sets a registry value, and makes its key.
func SetValue(key, name, kind, data string) Call {
	return Call{Do: "setValue", Key: key, Name: name, Type: kind, Data: data}
}

// DeleteValue deletes a registry value and, up to the key keep, the keys that are empty without it. With an empty keep its key
// stays.
func DeleteValue(key, name, keep string) Call {
	return Call{Do: "deleteValue", Key: key, Name: name, Keep: keep}
}

// Objects of the boot configuration.
const (
	CurrentLoader    = "{current}"
	DebuggerSettings = "{dbgsettings}"
)

// Element reads an element of an object of the boot configuration, such as 16000049, which is testsigning: as the value that it
// is in the registry. Its name and type are in Microsoft's "BCD WMI provider" documentation (BcdLibraryElementTypes).
func Element(object, element string) Call { return Call{Do: "element", Name: element, Data: object} }

// Ask runs a program of System32 to its end, with no input, for what it says, whatever its exit code is.
func Ask(name string, args ...string) Call {
	quoted := make([]string, len(args))
	for i, arg := range args {
		quoted[i] = remote.QuoteArg(arg)
	}
	return Call{Do: "run", Program: name, Line: strings.Join(quoted, " ")}
}

// Program runs a program of System32 to change something: another exit code than 0, or than those that Allow adds, is a failure.
func Program(name string, args ...string) Call {
	c := Ask(name, args...)
	c.Expect = []int{0}
	return c
}

// Allow is the same program, which may end with this code, too.
func (c Call) Allow(code int) Call {
	c.Expect = append(c.Expect, code)
	return c
}

// HasCertificate looks for a certificate in a store of the machine, by its SHA-1; the answer's Data is the certificate.
func HasCertificate(store, thumbprint string) Call {
	return Call{Do: "certificate", Store: store, Name: thumbprint}
}

// AddCertificate adds one to a store of the machine.
func AddCertificate(store string, der []byte) Call {
	return Call{Do: "addCertificate", Store: store, Data: base64.StdEncoding.EncodeToString(der)}
}

// RemoveCertificate takes one out of a store of the machine.
func RemoveCertificate(store, thumbprint string) Call {
	return Call{Do: "removeCertificate", Store: store, Name: thumbprint}
}

// ReadFile reads a file: the answer's Data is in base64.
func ReadFile(path string) Call { return Call{Do: "file", Path: path} }

// ReplaceFile writes a file, whole or not at all, and returns when it is on the disk, where it is what it was when it was read
// (nil: it was not there); else somebody else has written it, and the call fails. Only administrators and the system get at what is
// in a folder that it makes.
func ReplaceFile(path string, was, data []byte) Call {
	c := Call{Do: "writeFile", Path: path, Data: base64.StdEncoding.EncodeToString(data), Was: "absent"}
	if was != nil {
		c.Was = fmt.Sprintf("%x", sha256.Sum256(was))
	}
	return c
}

// Exists looks for a file; the answer has the type File, or Absent.
func Exists(path string) Call { return Call{Do: "exists", Path: path} }

// DeleteFile deletes a file and, up to the folder keep, the folders that are empty without it.
func DeleteFile(path, keep string) Call { return Call{Do: "deleteFile", Path: path, Keep: keep} }

// CopyFile copies a file to a place where none is; one that is there stays.
func CopyFile(from, to string) Call { return Call{Do: "copyFile", Path: from, Data: to} }

// Objects are what a query of WMI finds, with some of their properties.
func Objects(namespace, query string, properties ...string) Call {
	return Call{Do: "objects", Namespace: namespace, Query: query, Properties: properties}
}

// Account is who executes the calls.
func Account() Call { return Call{Do: "account"} }

// BootID reads the identifier of the boot, and makes it where it is not there yet: the one that the agent has, too.
func BootID() Call { return Call{Do: "bootId"} }

// WSMan reads a resource of the machine's own WS-Management, such as winrm/config/service/auth.
func WSMan(resource string, properties ...string) Call {
	return Call{Do: "wsman", Resource: resource, Properties: properties}
}

// SetWSMan changes one value of a resource.
func SetWSMan(resource, name, value string) Call {
	return Call{Do: "setWSMan", Resource: resource, Name: name, Data: value}
}

// Mappings reads which client certificates WinRM lets in, as whom: objects with issuer (SHA-1 in capitals), subject, uri, user and
// enabled. No password is told.
func Mappings() Call { return Call{Do: "mappings"} }

// AddMapping has WinRM let in who has a certificate with this user principal name that the one with this SHA-1 has issued, as a
// local account, whose password Windows wants for that ([MS-WSMV], "CertMappingType").
func AddMapping(issuer, subject, user string, password remote.Secret) Call {
	return Call{Do: "addMapping", Name: issuer, Data: subject, User: user, Secret: password}
}

// RemoveMapping takes that back.
func RemoveMapping(issuer, subject string) Call {
	return Call{Do: "removeMapping", Name: issuer, Data: subject}
}

// HTTPS reads how WinRM answers over HTTPS: the answer's Data says what of it was made by OpenHTTPS (certificate, listener,
// rule), and its object has the listener's port, thumbprint, and certificate in base64, as far as there is one.
func HTTPS() Call { return Call{Do: "https"} }

// OpenHTTPS has WinRM answer over HTTPS, on its own port: with a certificate that is made on the machine, whose key never leaves
// it, a listener, and a rule of the firewall for whichever profile the network has.
func OpenHTTPS() Call { return Call{Do: "openHTTPS"} }

// CloseHTTPS removes what OpenHTTPS made.
func CloseHTTPS() Call { return Call{Do: "closeHTTPS"} }

// Reads reports whether a call changes nothing.
func (c Call) Reads() bool {
	switch c.Do {
	case "value", "values", "element", "certificate", "file", "exists", "objects", "account", "wsman", "https", "mappings":
		return true
	}
	return c.Do == "run" && c.Expect == nil
}
