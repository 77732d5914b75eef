//go:build linux

package wine_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"wskharness/vm"
	"wskharness/vm/wine"
)

// A guest is up for as long as its controller has it; here that ends by releasing it.
func Example() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	provider, err := wine.New(wine.Options{
		Root:  os.TempDir() + "/wskharness-example",
		Serve: []string{"wskharness", "wine-guest"},         // a program that calls wine.Serve
		Host:  "winrshost.exe",                              // built from vm/wine/host
		Seed:  map[string]string{`C:\tool.exe`: "tool.exe"}, // placed into each guest
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	machine, err := provider.Acquire(ctx, vm.Target{Name: "wine"})
	var missing *wine.MissingError
	if errors.As(err, &missing) {
		fmt.Println("install Wine with:", missing.Install)
		return
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	defer machine.Release(context.WithoutCancel(ctx))
	fmt.Println("WinRM answers at", machine.Endpoint().URL)
}
