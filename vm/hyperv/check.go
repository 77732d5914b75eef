package hyperv

import (
	"context"
	"errors"
	"fmt"

	"wskharness/vm"
	"wskharness/vm/powershell"
)

// anyName is one that no machine has: whoever looks for it finds out whether a host can be asked at all.
const anyName = "wskharness-0-no-such-machine"

// checkHost asks a host whether it has Hyper-V, and whether we may use it.
func checkHost(ctx context.Context, host powershell.Host) vm.Check {
	check := vm.Check{Name: "Hyper-V"}
	l, err := look(ctx, host, anyName)
	hint, hinted := errors.AsType[*hintError](err)
	switch {
	case hinted:
		check.Detail, check.Fix = hint.err.Error(), hint.hint
	case err != nil:
		check.Detail = err.Error()
	case !l.Allowed:
		check.Detail = fmt.Sprintf("%s is neither an administrator nor in the group Hyper-V Administrators", clean(l.Account))
		check.Fix = "Add-LocalGroupMember -SID S-1-5-32-578 -Member ACCOUNT, and log on anew; or run the harness elevated"
	default:
		check.OK, check.Detail = true, "on "+host.String()
	}
	return check
}
