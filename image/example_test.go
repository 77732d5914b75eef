package image_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"wskharness/image"
)

func Example() {
	_, err := image.NewPlan(image.Options{ISO: "no-such.iso", Out: "windows11", Edition: "Professional", Accel: "auto", TPM: "auto", Disk: 64 << 30, Memory: 4096})
	fmt.Println(errors.Is(err, fs.ErrNotExist), strings.Contains(err.Error(), "no-such.iso"))
	// Output: true true
}
