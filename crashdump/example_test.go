package crashdump_test

import (
	"bytes"
	"fmt"

	"wskharness/crashdump"
	"wskharness/crashdump/dumptest"
)

func ExampleRead() {
	dump := dumptest.Spec{
		Type: dumptest.Mini, Code: 0xD1, Parameters: [4]uint64{0x18, 2, 1, 0xfffff8052a3d1a2c},
		Modules: []dumptest.Module{{Name: "WskSample.sys", Base: 0xfffff8052a3d0000, Size: 0x9000}},
	}.Bytes()

	d, err := crashdump.Read(bytes.NewReader(dump), int64(len(dump)))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(d.Signature())
	fmt.Print(d.Explanation())
	// Output:
	// 0xD1 wsksample.sys+0x1a2c
	// stop code 0xD1 DRIVER_IRQL_NOT_LESS_OR_EQUAL
	//   A driver accessed pageable or invalid memory at DISPATCH_LEVEL or above.
	//   parameter 1: 0x18: address that was accessed
	//   parameter 2: 0x2 (DISPATCH_LEVEL): IRQL at that time
	//   parameter 3: 0x1 (write): kind of access
	//   parameter 4: 0xfffff8052a3d1a2c: address of the instruction that did it
	//   next: the source line at the faulting module's offset; a small address is a null pointer with a field's offset, any other perhaps freed memory or pageable data or code
	//   source: Bug Check Code Reference: Bug Check 0xD1: DRIVER_IRQL_NOT_LESS_OR_EQUAL
}
