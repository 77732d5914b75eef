package prepare_test

import (
	"context"
	"fmt"
	"time"

	"wskharness/prepare"
	"wskharness/prepare/windowstest"
)

func Example() {
	ctx := context.Background()
	p := prepare.New(windowstest.New(), prepare.Options{Keep: []string{"memory-integrity"}})
	p.Pause = time.Millisecond
	show := func() {
		findings, err := p.Look(ctx)
		for _, f := range findings {
			if f.Setting == "test-signing" || f.Setting == "memory-integrity" {
				fmt.Println(f.Setting, f.Status, err)
			}
		}
	}
	show()
	fmt.Println("prepared:", p.Run(ctx))
	show()
	fmt.Println("brought back:", p.Undo(ctx))
	// Output:
	// test-signing change <nil>
	// memory-integrity kept <nil>
	// prepared: <nil>
	// test-signing ok <nil>
	// memory-integrity kept <nil>
	// brought back: <nil>
}
