package prepare

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"wskharness/prepare/windows"
)

// item is one thing of a Windows that can be read, changed, and brought back to exactly what it was. It and its states are
// data, since they are written down on the target before anything is changed: whoever undoes it may be another version of
// this program.
type item struct {
	Kind  string `json:"kind"`
	Place string `json:"place,omitempty"` // the key, the object, the store
	Name  string `json:"name,omitempty"`
}

// state is what an item is. The zero state is one that is not there.
type state struct {
	Type string `json:"type,omitempty"`
	Data string `json:"data,omitempty"`
	Key  string `json:"key,omitempty"` // of a registry value that is not there: the nearest key above it that is, where its own isn't
}

// same reports whether two states are: from which key a value was missing is no part of what a machine does.
func (s state) same(other state) bool { return s.Type == other.Type && s.Data == other.Data }

func (s state) String() string {
	switch s.Type {
	case windows.Absent:
		return "not there"
	case windows.Certificate, windows.File:
		return "there"
	}
	if s.Data == "" {
		return "empty"
	}
	return printable(strings.ReplaceAll(s.Data, "\x00", ", "), 300)
}

// String names it for people. It may have been read on the target.
func (i item) String() string {
	text := strings.TrimSpace(i.Kind + " " + i.Place + " " + i.Name)
	switch i.Kind {
	case registryKind:
		text = `HKLM\` + i.Place + `\` + i.Name
	case bootKind:
		text = fmt.Sprintf("%s of %s in the boot configuration", elementName(i.Name), i.Place)
	case certificateKind:
		text = fmt.Sprintf("certificate %s in %s", i.Name, i.Place)
	case mappingKind:
		text = fmt.Sprintf("account of the certificates of %s that %s has issued", i.Name, i.Place)
	}
	return printable(text, 400)
}

// itemKind is how items of a kind are read and written.
type itemKind struct {
	read  func(item) windows.Call
	state func(item, windows.Answer) (state, error)
	// write makes the item what to says, which now is something else. It can be done again, from wherever it got to.
	write func(i item, now, to state) ([]windows.Call, error)
}

// kindOf is how an item is read and written.
func kindOf(i item) (itemKind, error) {
	kinds := map[string]itemKind{
		registryKind: {readRegistry, stateOfValue, writeRegistry}, bootKind: {readBoot, stateOfValue, writeBoot},
		certificateKind: {readCertificate, stateOfData, writeCertificate}, policyKind: {readPolicy, stateOfPolicy, writePolicy},
		schemeKind: {readScheme, stateOfValue, writeScheme}, hibernationKind: {readHibernation, stateOfValue, writeHibernation},
		protectionKind: {readProtection, stateOfProtection, writeProtection}, verifierKind: {readVerifier, stateOfVerifier, writeVerifier},
		httpsKind: {readHTTPS, stateOfHTTPS, writeHTTPS}, serviceKind: {readService, stateOfService, writeService},
		mappingKind: {readMapping, stateOfMapping, writeMapping},
	}
	kind, known := kinds[i.Kind]
	if !known {
		return kind, fmt.Errorf("%s: a kind of setting that this version does not know: use the version that has prepared the target", i)
	}
	return kind, nil
}

// stateIn is what an answer says of an item.
func stateIn(i item, a windows.Answer) (state, error) {
	kind, err := kindOf(i)
	if err != nil {
		return state{}, err
	}
	if err := a.Err(kind.read(i)); err != nil {
		return state{}, err
	}
	return kind.state(i, a)
}

// Registry values.
const registryKind = "registry"

func registry(key, name string) item { return item{registryKind, key, name} }

func dword(n uint32) state { return state{Type: windows.DWord, Data: fmt.Sprint(n)} }

func readRegistry(i item) windows.Call { return windows.Value(i.Place, i.Name) }

func stateOfValue(i item, a windows.Answer) (state, error) {
	if !slices.Contains([]string{windows.Absent, windows.DWord, windows.QWord, windows.Text, windows.ExpandText, windows.List, windows.Binary}, a.Type) {
		return state{}, fmt.Errorf("%s is a value of the type %q, which can't be brought back: look at it by hand", i, a.Type)
	}
	return state{Type: a.Type, Data: a.Data, Key: a.Key}, nil
}

func writeRegistry(i item, _, to state) ([]windows.Call, error) {
	if to.Type == windows.Absent {
		return []windows.Call{windows.DeleteValue(i.Place, i.Name, to.Key)}, nil
	}
	return []windows.Call{windows.SetValue(i.Place, i.Name, to.Type, to.Data)}, nil
}

// Certificates of the machine: Place is the store, Name the SHA-1 by which Windows calls it.
const certificateKind = "certificate"

func readCertificate(i item) windows.Call { return windows.HasCertificate(i.Place, i.Name) }

func stateOfData(_ item, a windows.Answer) (state, error) {
	return state{Type: a.Type, Data: a.Data}, nil
}

func writeCertificate(i item, _, to state) ([]windows.Call, error) {
	if to.Type == windows.Absent {
		return []windows.Call{windows.RemoveCertificate(i.Place, i.Name)}, nil
	}
	der, err := base64.StdEncoding.DecodeString(to.Data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", i, err)
	}
	return []windows.Call{windows.AddCertificate(i.Place, der)}, nil
}
