package driver

import (
	"bytes"
	"context"
	"crypto/sha256"
	"debug/pe"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
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

// checkObject finds an object that was cut. What is behind the code in it, symbols and their names, is read to its end.
func checkObject(object []byte) error {
	file, err := pe.NewFile(bytes.NewReader(object))
	if err != nil {
		return fmt.Errorf("%d bytes are no whole object: %w", len(object), err)
	}
	if file.Machine != pe.IMAGE_FILE_MACHINE_AMD64 {
		return fmt.Errorf("%d bytes are no object for x86-64", len(object))
	}
	return nil
}

// loadObject writes the object of a key to a file, if there is one.
func (c Cache) loadObject(key, to string) bool {
	object, ok := c.kept(objectRoom, key, maxImageFile)
	if !ok || checkObject(object) != nil || os.WriteFile(to, object, 0o644) != nil {
		return false
	}
	c.touch(objectRoom, key)
	return true
}

// compile makes the object of a unit. A compiler that ended well and left half of one, on a full disk, has failed: every
// later build would link what is kept of it.
func (w *workshop) compile(ctx context.Context, u translationUnit) (object []byte, err error) {
	args := []string{"-c", u.name, "-o", u.object()}
	if _, err := w.compiler(ctx, args...); err != nil {
		return nil, err
	}
	object, err = readBounded(w.path(u.object()), maxImageFile)
	if err == nil {
		err = checkObject(object)
	}
	if err != nil {
		err = fmt.Errorf("%s ended well, but its object can't be used: %w", filepath.Base(w.tc.CC), err)
		output := strings.Join(u.files, ", ") + ": not compiled whole; is the disk full, or what stands for the compiler broken?\n"
		return nil, &toolError{Args: append([]string{w.tc.CC}, args...), Output: output, Err: err}
	}
	return object, nil
}
