package driver

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// unchanged says which object a unit has for as long as nothing has changed that it is made of. It saves the
// preprocessor: of a driver of which one file was edited, the other units are not even read.
type unchanged struct {
	Object string  `json:"object"` // its key
	Rule   string  `json:"rule"`   // what the compiler said that it depends on
	Inputs []input `json:"inputs"` // of that, the files of this machine
}

// unchangedKey covers all of a unit that is known without starting a process: its files, every header of the sources,
// all flags and the programs.
func (w *workshop) unchangedKey(u translationUnit) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s unit\n%v\n%q\n%q\n%q\n", buildFormat, w.tools.Programs, w.spec.compileFlags(), w.machine, u.name)
	for _, file := range w.files {
		if !file.compiled() || slices.Contains(u.files, file.path) {
			fmt.Fprintf(h, "%q %s\n", file.path, hashBytes(file.content))
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// loadUnchanged gives the object of a unit, if it is known and nothing has changed.
func (w *workshop) loadUnchanged(key string, u translationUnit) bool {
	var known unchanged
	note, ok := w.cache.kept(unitRoom, key, maxJSONFile)
	if !ok || json.Unmarshal(note, &known) != nil || len(known.Object) != sha256.Size*2 || !same(known.Inputs) {
		return false
	}
	if !w.cache.loadObject(known.Object, w.path(u.object())) {
		return false
	}
	w.cache.touch(unitRoom, key)
	return os.WriteFile(w.path(u.rule()), []byte(known.Rule), 0o644) == nil
}

// keepUnchanged notes which object a unit has, if it can. A unit that includes a source of another one has no such note:
// its key would not tell that this source has changed.
func (w *workshop) keepUnchanged(key, object string, u translationUnit) {
	rule, err := readBounded(w.path(u.rule()), maxJSONFile)
	if err != nil {
		return
	}
	known := unchanged{Object: object, Rule: string(rule)}
	for _, name := range prerequisites(known.Rule) {
		switch {
		case filepath.IsAbs(name):
			in, err := statInput(filepath.Clean(name))
			if err != nil {
				return
			}
			known.Inputs = append(known.Inputs, in)
		case name != u.name && !slices.Contains(u.files, name) && sourceFile{path: name}.compiled():
			return
		}
	}
	if data, err := json.Marshal(known); err == nil {
		w.cache.keep(unitRoom, key, data)
	}
}
