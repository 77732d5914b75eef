package wim_test

import (
	"fmt"
	"strings"

	"wskharness/image/wim"
)

func Example() {
	_, err := wim.Images(strings.NewReader("MZ, and so no WIM"))
	fmt.Println("install.wim", err)
	// Output: install.wim is no WIM: its first bytes are others
}
