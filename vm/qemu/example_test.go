package qemu_test

import (
	"fmt"

	"wskharness/settings"
	"wskharness/strictyaml"
	"wskharness/vm/qemu"
)

// A target is read by the form of its kind; what it is started as is decided later, by its provider.
func Example() {
	r := &settings.Reader{Reporter: strictyaml.NewReporter("wskharness.yaml"), Dir: "/lab"}
	text := "{image: win11.qcow2, user: Administrator, password_env: WIN11_PASSWORD, warm: true, disk: nvme}"
	target, _ := r.Mapping(strictyaml.Parse([]byte(text), r.Reporter), "target win11")
	form := qemu.Kind().Form()
	form.Define(r, form.Keys.Read(r, target))
	fmt.Println(r.Err())
	// Output:
	// wskharness.yaml:1:79: warm of a target with an nvme disk, of which QEMU can't make a snapshot (expected disk: sata or virtio, or warm: false)
}
