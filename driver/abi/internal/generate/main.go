// Generate writes package abi from the headers that driver and agent share: generate FOLDER FILE.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) != 3 {
		fail(fmt.Errorf("usage: generate FOLDER-OF-THE-HEADERS FILE"))
	}
	source, err := fromHeaders(os.Args[1])
	if err != nil {
		fail(err)
	}
	if err := os.WriteFile(os.Args[2], source, 0o644); err != nil {
		fail(fmt.Errorf("write the generated package: %w", err))
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "generate:", err)
	os.Exit(1)
}

// fromHeaders is the Go source for the headers in a folder, formatted.
func fromHeaders(folder string) ([]byte, error) {
	var all []declaration
	for _, name := range []string{"wskabi.h", "wskplan.h"} {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			return nil, fmt.Errorf("read the headers: %w", err)
		}
		found, err := parse(name, string(text))
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return write(all)
}
