package qmp_test

import (
	"bufio"
	"context"
	"fmt"
	"net"

	"wskharness/vm/qmp"
)

func Example() {
	ours, theirs := net.Pipe()
	go func() { // in the place of a QEMU
		defer theirs.Close()
		commands := bufio.NewScanner(theirs)
		fmt.Fprintln(theirs, `{"QMP": {"version": {"qemu": {"major": 7, "minor": 2, "micro": 0}}}}`)
		commands.Scan()
		fmt.Fprintln(theirs, `{"return": {}, "id": 1}`)
		commands.Scan()
		fmt.Fprintln(theirs, `{"event": "RESET", "data": {"guest": false}}`)
		fmt.Fprintln(theirs, `{"return": {}, "id": 2}`)
	}()
	ctx := context.Background()
	monitor, err := qmp.Connect(ctx, ours, func(e qmp.Event) { fmt.Println(e.Name, string(e.Data)) })
	if err != nil {
		fmt.Println(err)
		return
	}
	defer monitor.Close()
	fmt.Println(monitor.Run(ctx, "system_reset", nil, nil))
	// Output:
	// RESET {"guest": false}
	// <nil>
}
