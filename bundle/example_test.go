package bundle_test

import (
	"fmt"

	"wskharness/bundle"
)

func Example() {
	contents := bundle.Contents{
		Packed: []bundle.Entry{{Name: "events.ndjson", Size: 4096, What: "the journal of the run"}},
		Left:   []bundle.Entry{{Name: "targets/lab/dump-1.dmp", Size: 1 << 30, What: "a dump of the guest's memory: --with-dumps packs it"}},
	}
	fmt.Print(contents.Text())
	// Output:
	//   events.ndjson                                          4096  the journal of the run
	//
	// Left out:
	//
	//   targets/lab/dump-1.dmp                           1073741824  a dump of the guest's memory: --with-dumps packs it
}
