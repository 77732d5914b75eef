package driver

import (
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// translationUnit is what the compiler is started for: one source file, or several that are compiled as one. Reading the
// kernel's headers takes a compiler longer than almost any file of ours, so fewer units are cheaper in all; but
// a change to one file compiles its whole unit, so there are a few of them.
type translationUnit struct {
	name  string // of the file that the compiler gets, relative to the root of the sources
	text  string // of a unit of several files
	files []string
}

// unitName is that of a unit of several files. It is in the root of the sources, so that the names of files in
// messages and in debug information are those that the sources have.
func unitName(i int) string { return "wskharness-unit-" + strconv.Itoa(i) + ".c" }

// units divides the sources, in the order of their names, so that an edit moves no file from one to another.
func (s Spec) units(files []sourceFile) []translationUnit {
	var sources []string
	for _, file := range files {
		if file.compiled() {
			sources = append(sources, file.path)
		}
	}
	count := s.Units
	if count == 0 {
		count = len(sources)
	}
	count = min(count, len(sources))
	units := make([]translationUnit, count)
	for i := range units {
		units[i] = newUnit(i, sources[i*len(sources)/count:(i+1)*len(sources)/count])
	}
	return units
}

func newUnit(i int, files []string) translationUnit {
	if len(files) == 1 {
		return translationUnit{name: files[0], files: files}
	}
	var text strings.Builder
	for _, file := range files {
		fmt.Fprintf(&text, "#include \"%s\"\n", file)
	}
	return translationUnit{name: unitName(i), text: text.String(), files: files}
}

// object, preprocessed and rule are names of files that are made of the unit, relative to the root of the sources.
func (u translationUnit) object() string {
	return "../obj/" + strings.TrimSuffix(u.name, path.Ext(u.name)) + ".o"
}
func (u translationUnit) preprocessed() string { return u.object() + ".i" }
func (u translationUnit) rule() string         { return u.object() + ".d" }

// make gives the unit's object: the one of the cache where none of its files has changed, or where these tools have
// compiled the same text with the same flags before, for whichever driver; and else a new one, which the cache then has.
// What a define means to a unit shows in that text, so a define compiles anew only what it changes.
func (w *workshop) make(ctx context.Context, u translationUnit) (compiled bool, err error) {
	note := w.unchangedKey(u)
	if w.loadUnchanged(note, u) {
		return false, nil
	}
	if _, err := w.compiler(ctx, "-E", "-MD", "-MF", u.rule(), u.name, "-o", u.preprocessed()); err != nil {
		return false, err
	}
	key, err := w.objectKey(u)
	if err != nil {
		return false, err
	}
	if compiled, err = w.find(ctx, u, key); err == nil {
		w.keepUnchanged(note, key, u)
	}
	return compiled, err
}

// find takes the object of a key, or makes it.
func (w *workshop) find(ctx context.Context, u translationUnit, key string) (compiled bool, err error) {
	// Whoever else needs this object now waits for it, rather than make it, too.
	unlock, err := w.cache.lock(ctx, objectRoom, key)
	if err != nil {
		return false, err
	}
	defer unlock()
	if w.cache.loadObject(key, w.path(u.object())) {
		return false, nil
	}
	object, err := w.compile(ctx, u)
	if err != nil {
		return false, err
	}
	w.cache.keep(objectRoom, key, object)
	return true, nil
}

// compiler starts the compiler with the flags of this build.
func (w *workshop) compiler(ctx context.Context, args ...string) ([]byte, error) {
	all := append([]string{"-pipe"}, w.spec.compileFlags()...)
	all = append(all, w.machine...)
	return runTool(ctx, w.src(), w.tc.CC, append(all, args...)...)
}

// diagnostic is what a compiler says of a place in the sources. That a program was killed or ran into a limit has no
// place, and what the assembler makes of the half of a text that then reaches it says Error.
var diagnostic = regexp.MustCompile(`(?m)^(<command-line>|.+:\d+(:\d+)?): (fatal )?error: `)

// explain compiles the files of a unit that failed by themselves: a brace that is missing in one is then no error
// of the next, and each message says where its file is included from, and nothing of units. What only the unit has,
// such as a name that two files use at file scope, is told as it came; and so is what is no mistake of the sources.
func (w *workshop) explain(ctx context.Context, u translationUnit, failed *toolError) error {
	if len(u.files) == 1 || !diagnostic.MatchString(failed.Output) {
		return failed
	}
	errs := w.sideBySide(len(u.files), func(i int) error {
		_, err := w.compiler(ctx, "-c", u.files[i], "-o", u.object()+"."+strconv.Itoa(i))
		return err
	})
	if err := errors.Join(errs...); err != nil {
		return err
	}
	failed.Output += fmt.Sprintf("%s, each of which compiles by itself, are compiled as one: names at file scope, "+
		"of macros as well, have to differ among the files of a folder\n", strings.Join(u.files, ", "))
	return failed
}
