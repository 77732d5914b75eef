// Package driver gives a run what it tests with: it builds a C kernel driver (and the programs that
// go with it) for 64-bit Windows with the mingw-w64 compiler, signs it with a test certificate of its
// own, and inspects driver images for what Windows would refuse.
//
//	tc, err := driver.FindToolchain(ctx)
//	cache, err := driver.DefaultCache()
//	signer, err := driver.LoadOrCreateSigner(dir, time.Now())
//	pkg, err := driver.BuildPackage(ctx, tc, driver.SampleSpec(nil), cache, signer, time.Now())
//	// pkg.Driver is the signed .sys, pkg.Certificate what the guest has to trust.
//
// Everything is kept by content under the cache: a second build of the same sources with the same
// compiler starts no process. The same sources give the same bytes, whoever builds them and in
// whichever folder; so a hash in a report can be checked by building again.
//
// The C sources are in folders beside this file (sample, agent, include) and are embedded, so that an
// installed binary needs no source tree.
package driver
