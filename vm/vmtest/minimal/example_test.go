package minimal_test

import (
	"fmt"
	"testing"

	"wskharness/vm/vmtest/minimal"
)

func ExampleBuild() {
	_ = func(t *testing.T) {
		guest := minimal.Build(t)
		fmt.Println([]string{"-kernel", guest.Kernel, "-initrd", guest.Initrd, "-append", guest.Append})
		fmt.Println(guest.Endpoint("127.0.0.1:40001").URL) // where guest port minimal.Port was forwarded to
	}
}
