package answer_test

import (
	"fmt"
	"maps"
	"slices"

	"wskharness/image/answer"
)

func Example() {
	files, err := answer.Answers{
		Language: "en-US", Source: "sources/install.wim", Index: 6, UEFI: true, ComputerName: "TARGET",
		Password: "Generated-1", PFX: []byte("a certificate"), PFXPassword: "Generated-2", CA: []byte("its authority"),
	}.Files()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Println(name)
	}
	fmt.Println(err)
	// Output:
	// autounattend.xml
	// wskharness/diskpart.txt
	// wskharness/install.cmd
	// wskharness/setup/ca.cer
	// wskharness/setup/finish.ps1
	// wskharness/setup/winrm.pfx
	// wskharness/setup/winrm.txt
	// wskharness/unattend.xml
	// <nil>
}
