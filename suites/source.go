package suites

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"wskharness/strictyaml"
)

//go:embed builtin/*.yaml
var builtinFiles embed.FS

// builtinNames is the order in which the builtin suites are listed and run.
func builtinNames() []string {
	return []string{"registration.yaml", "capture.yaml", "negotiation.yaml", "lifecycle.yaml", "sockets.yaml", "device.yaml", "stress.yaml", "boot.yaml", "known-wine.yaml"}
}

// Builtin returns the suites and known issues that ship with the harness.
func Builtin() []Source {
	var sources []Source
	for _, name := range builtinNames() {
		data, err := builtinFiles.ReadFile("builtin/" + name)
		if err != nil {
			panic("suites: " + err.Error()) // the binary was built without its own files
		}
		sources = append(sources, Source{Name: "builtin/" + name, Data: data, Builtin: true})
	}
	return sources
}

// Discover reads a suite file, or the suite files (*.yaml, *.yml) of a folder in the order of their names;
// sub-folders are not searched. A file in a folder is named as the folder and its own name together name it.
func Discover(path string) ([]Source, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("look for suites: %w", err)
	}
	if !info.IsDir() {
		data, err := readBounded(path)
		if err != nil {
			return nil, fmt.Errorf("read suite: %w", err)
		}
		return []Source{{Name: path, Data: data}}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, fmt.Errorf("look for suites: %w", err)
	}
	var sources []Source
	var problems []error
	for _, entry := range entries {
		name := filepath.Join(path, entry.Name())
		if !slices.Contains([]string{".yaml", ".yml"}, strings.ToLower(filepath.Ext(name))) || entry.IsDir() {
			continue
		}
		data, err := readBounded(name)
		if err != nil {
			problems = append(problems, fmt.Errorf("read suite: %w", err))
			continue
		}
		sources = append(sources, Source{Name: name, Data: data})
	}
	return sources, errors.Join(problems...)
}

// readBounded reads no more than Load accepts and one byte, by which it notices what is too much.
func readBounded(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, strictyaml.MaxFileBytes+1))
	if err != nil {
		return nil, err
	}
	return data, nil
}
