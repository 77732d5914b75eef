// Command prebuild builds the images that a program for another system is to have in it, and writes the overlay by which
// `go build` puts them there:
//
//	go run ./driver/prebuild bin/prebuilt
//	GOOS=windows go build -overlay bin/prebuilt/overlay.json ./cmd/wskharness
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"

	"wskharness/driver"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: prebuild FOLDER, in the root of the sources")
		os.Exit(2)
	}
	if err := prebuild(ctx, os.Args[1]); err != nil {
		fmt.Fprintf(os.Stderr, "prebuild: %v\n", err)
		os.Exit(1)
	}
}

func prebuild(ctx context.Context, dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	embedded, err := filepath.Abs(filepath.Join("driver", "prebuilt"))
	if err != nil {
		return err
	}
	tc, err := driver.FindToolchain(ctx)
	if err != nil {
		return err
	}
	cache, _, err := driver.UserCache()
	if err != nil {
		return err
	}
	replace := map[string]string{}
	for _, spec := range []driver.Spec{driver.AgentSpec(), driver.SampleSpec(nil)} {
		artifact, err := driver.Build(ctx, tc, spec, cache)
		if err != nil {
			return err
		}
		name, err := driver.Prebuild(artifact, spec, dir)
		if err != nil {
			return err
		}
		files, err := os.ReadDir(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		for _, file := range files {
			replace[filepath.Join(embedded, name, file.Name())] = filepath.Join(dir, name, file.Name())
		}
	}
	overlay, err := json.MarshalIndent(map[string]any{"Replace": replace}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o644)
}
