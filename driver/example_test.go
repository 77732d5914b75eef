package driver_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing/fstest"
	"time"

	"wskharness/driver"
)

// Building, signing and inspecting a driver of one file.
func Example() {
	if err := example(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// hello.sys: native, sha256, signed by CN=wskharness test signing
	// note: test-signature
	// built again: cached
}

func example(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "wskharness-example-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	tc, err := driver.FindToolchain(ctx)
	if err != nil {
		return err
	}
	cache := driver.Cache{Dir: filepath.Join(dir, "cache")} // usually driver.DefaultCache()
	signer, err := driver.LoadOrCreateSigner(filepath.Join(dir, "signing"), time.Now())
	if err != nil {
		return err
	}
	spec := driver.Spec{
		Name: "hello.sys", Kind: driver.KernelDriver, Dirs: []string{"."}, Libs: []string{"ntoskrnl"},
		Sources: fstest.MapFS{"hello.c": {Data: []byte(`
#include <ntddk.h>
DRIVER_INITIALIZE DriverEntry;
NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT Driver, PUNICODE_STRING Path)
{
    DbgPrint("hello %p %wZ", Driver, Path);
    return STATUS_SUCCESS;
}
`)}},
	}
	pkg, err := driver.BuildPackage(ctx, tc, spec, cache, signer, time.Now())
	if err != nil {
		return err
	}
	signature := pkg.Image.Signature
	fmt.Printf("%s: %s, %s, signed by %s\n", filepath.Base(pkg.Driver), pkg.Image.Subsystem, signature.Digest, signature.Subject)
	for _, finding := range pkg.Findings {
		fmt.Printf("%s: %s\n", finding.Severity, finding.Rule)
	}
	if pkg, err = driver.BuildPackage(ctx, tc, spec, cache, signer, time.Now()); err != nil {
		return err
	}
	if pkg.Cached {
		fmt.Println("built again: cached")
	}
	return nil
}
