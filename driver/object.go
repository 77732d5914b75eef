package driver

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
)

// objectKey covers all that can change the object of a unit: the text that the compiler sees, behind its
// preprocessor (which holds what defines and headers came to, and where each line is from), its flags, and the
// programs themselves.
func (w *workshop) objectKey(u translationUnit) (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "%s object\n", buildFormat)
	for _, program := range w.tools.Programs {
		fmt.Fprintf(h, "%q %d %d\n", program.Path, program.Size, program.ModTime)
	}
	for _, flag := range append(CompileFlags(w.spec.Kind), w.spec.Options...) {
		fmt.Fprintf(h, "%q\n", flag)
	}
	text, err := os.Open(w.path(u.preprocessed()))
	if err != nil {
		return "", err
	}
	defer text.Close()
	if _, err := io.Copy(h, text); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// loadObject writes the object of a key to a file, if there is one and it is whole. The file of an object is its SHA-256
// in a line of its own, then the object. Nothing of this room is needed: an object that is missing, cut, changed or can't
// be kept is compiled again.
func (c Cache) loadObject(key, to string) bool {
	data, err := readBounded(c.path(objectRoom, key), maxImageFile)
	if err != nil {
		return false
	}
	sum, object, found := bytes.Cut(data, []byte("\n"))
	if !found || string(sum) != hashBytes(object) || os.WriteFile(to, object, 0o644) != nil {
		return false
	}
	c.touch(objectRoom, key)
	return true
}

// keepObject keeps a copy of an object, if it can.
func (c Cache) keepObject(key, from string) {
	object, err := readBounded(from, maxImageFile)
	if err != nil {
		return
	}
	c.keep(objectRoom, key, append([]byte(hashBytes(object)+"\n"), object...))
}
