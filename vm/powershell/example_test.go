package powershell_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"wskharness/vm/powershell"
	"wskharness/vm/powershell/powershelltest"
)

// played is a Host without a machine.
type played struct{ answer powershelltest.Func }

func (played) String() string { return "hv1" }

func (p played) Run(ctx context.Context, _ []string, input string) (powershell.Output, error) {
	return powershelltest.Play(ctx, strings.NewReader(input), p.answer), nil
}

func ExampleRun() {
	// In place of powershell.Remote(client, "hv1").
	host := played{func(context.Context, powershelltest.Call) (any, error) {
		return nil, &powershell.Error{ID: "InvalidParameter,Microsoft.HyperV.PowerShell.Commands.GetVM", Category: powershell.InvalidArgument,
			Exceptions: []powershell.Exception{{Message: "Hyper-V was unable to find a virtual machine."}}}
	}}
	var answer struct{ State int }
	err := powershell.Run(context.Background(), host, powershell.Script{Name: "look at win11", Text: `
		param($p)
		@{ state = [int](Hyper-V\Get-VM -Name $p.vm).State }
	`}, map[string]any{"vm": "win11"}, &answer)
	if failed, ok := errors.AsType[*powershell.Error](err); ok {
		fmt.Println(failed.Word())
	}
	fmt.Println(err)
	// Output:
	// InvalidParameter
	// look at win11 on hv1: Hyper-V was unable to find a virtual machine. (InvalidParameter,Microsoft.HyperV.PowerShell.Commands.GetVM)
}
