package driver

import (
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

// loadObject writes the object of a key to a file, if there is one.
func (c Cache) loadObject(key, to string) bool {
	object, ok := c.kept(objectRoom, key, maxImageFile)
	if !ok || os.WriteFile(to, object, 0o644) != nil {
		return false
	}
	c.touch(objectRoom, key)
	return true
}

// keepObject keeps a copy of an object, if it can.
func (c Cache) keepObject(key, from string) {
	if object, err := readBounded(from, maxImageFile); err == nil {
		c.keep(objectRoom, key, object)
	}
}
