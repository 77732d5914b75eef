package libvirt_test

import (
	"context"
	"fmt"
	"os"

	"wskharness/vm"
	"wskharness/vm/access"
	"wskharness/vm/libvirt"
)

func ExampleNew() {
	provider, err := libvirt.New(libvirt.Options{
		Cache: "/var/cache/tests", URI: "qemu+ssh://lab1/system", Domain: "win11", Overlay: true, Getenv: os.Getenv,
		Service: access.Service{Login: access.Login{User: "tester", PasswordEnv: "LAB1_PASSWORD", Auth: "ntlm"}, Transport: "https", Port: 5986},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = func(ctx context.Context) error {
		machine, err := provider.Acquire(ctx, vm.Target{Name: "win11"})
		if err != nil {
			return err
		}
		return machine.Release(ctx)
	}
	// Output:
}
