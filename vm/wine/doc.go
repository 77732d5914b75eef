// Package wine is the guest that needs no Windows: Wine's ntoskrnl and netio.sys load the real driver and
// give it a real WSK provider, in a prefix cloned from a template, behind a WinRM endpoint of its own.
//
//	provider, err := wine.New(wine.Options{Root: cache, Serve: []string{exe, "wine-guest"}, Host: winrshost})
//	machine, err := provider.Acquire(ctx, vm.Target{Name: "wine"})
//	…
//	err = machine.Release(ctx)
//
// A guest is served by a process of its own (Options.Serve, which calls [Serve]): it holds the guest's
// wineserver, its winrshost.exe and its endpoint, outlives a controller that is killed, and ends itself and
// everything of the guest when nobody has claimed it for ten minutes. When it is killed itself, its guard, a
// second process, ends and removes the rest; what is left even so, [Sweep] finds.
//
// A guest is confined as far as this machine can do that (confinement.go): it has a network, processes and files of its
// own, and reaches none of its user's.
//
// What such a guest does not enforce (signatures, IRQL) its facts say.
package wine
