package driver

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// survey is what a toolchain tells of itself. Asking takes half a dozen processes, so the answers are kept in
// the cache for as long as its programs stay the same files.
type survey struct {
	Versions Versions `json:"versions"`
	Programs []input  `json:"programs"`                // every program that takes part in a build
	Headers  string   `json:"kernelHeaders,omitempty"` // folder with the driver kit's headers; empty: not installed
}

// survey asks the toolchain, or finds what it said before. A cache that can't be used costs only the asking.
func (tc *Toolchain) survey(ctx context.Context, cache Cache) (*survey, error) {
	key, err := tc.surveyKey()
	if err != nil {
		return nil, err
	}
	var kept survey
	if said, ok := cache.kept(toolchainRoom, key, maxJSONFile); ok && json.Unmarshal(said, &kept) == nil && kept.holds() {
		cache.touch(toolchainRoom, key)
		return &kept, nil
	}
	s, err := tc.ask(ctx)
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(s)
	if err == nil && s.Headers != "" { // what is missing may be installed at any time
		cache.keep(toolchainRoom, key, data)
		cache.prune(toolchainRoom)
	}
	return s, err
}

// surveyKey is known without starting a process.
func (tc *Toolchain) surveyKey() (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, buildFormat)
	for _, program := range []string{tc.CC, tc.LD} {
		in, err := statInput(program)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%q %d %d\n", in.Path, in.Size, in.ModTime)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// holds reports whether all is still as it was told.
func (s *survey) holds() bool {
	if len(s.Programs) == 0 || s.Versions == (Versions{}) || s.Headers == "" || !same(s.Programs) {
		return false
	}
	_, err := os.Stat(filepath.Join(s.Headers, kitHeader))
	return err == nil
}

func (tc *Toolchain) ask(ctx context.Context) (*survey, error) {
	s := &survey{}
	var all sync.WaitGroup
	var errs [3]error
	all.Go(func() { s.Versions, errs[0] = tc.Versions(ctx) })
	all.Go(func() { s.Programs, errs[1] = tc.programs(ctx) })
	all.Go(func() { s.Headers, errs[2] = tc.kernelHeaders(ctx) })
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return s, nil
}

// kitHeader is the file by which the folder of the driver kit's headers is known.
const kitHeader = "ntddk.h"

// kernelHeaders asks the compiler where it looks for headers and returns the folder there that has the driver
// kit's ones, or nothing where they are not installed.
func (tc *Toolchain) kernelHeaders(ctx context.Context) (string, error) {
	out, err := runTool(ctx, "", tc.CC, "-E", "-v", "-x", "c", os.DevNull)
	if err != nil {
		return "", fmt.Errorf("ask %s where it looks for headers: %w", tc.CC, err)
	}
	listed := false
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "#include <"):
			listed = true
		case strings.HasPrefix(line, "End of search list"):
			listed = false
		case listed:
			dir := filepath.Join(strings.TrimSpace(line), "ddk")
			if _, err := os.Stat(filepath.Join(dir, kitHeader)); err == nil {
				return dir, nil
			}
		}
	}
	return "", nil
}

// programs lists the files that take part in every compilation, for noticing that one has changed.
func (tc *Toolchain) programs(ctx context.Context) ([]input, error) {
	files := []string{tc.CC, tc.LD}
	for _, name := range []string{"cc1", "as", "ld"} {
		out, err := runTool(ctx, "", tc.CC, "-print-prog-name="+name)
		if err != nil {
			return nil, fmt.Errorf("ask %s for its %s: %w", tc.CC, name, err)
		}
		if path := strings.TrimSpace(string(out)); filepath.IsAbs(path) {
			files = append(files, path)
		}
	}
	var programs []input
	for _, file := range files {
		in, err := statInput(filepath.Clean(file))
		if err != nil {
			return nil, err
		}
		programs = append(programs, in)
	}
	return programs, nil
}
