package prepare

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"wskharness/prepare/windows"
)

// Verification is Driver Verifier on a target for a while. What it was set to is written down on the target, apart from what a
// preparation keeps, before it is changed: whoever comes next, also another program, can bring it back. One is used by one
// goroutine at a time.
type Verification struct {
	Host       windows.Host
	BootWithin time.Duration     // how long the machine may take to boot; zero: as with a [Preparation]
	Pause      time.Duration     // likewise
	Tell       func(text string) // likewise
}

// verificationFile is the record of one.
const verificationFile = ourFolder + `\verifier.json`

// preparation is one that has to do with nothing else.
func (v Verification) preparation(want *Verifier) *Preparation {
	return &Preparation{Host: v.Host, Options: Options{Verifier: want}, BootWithin: v.BootWithin, Pause: v.Pause, Tell: v.Tell, record: verificationFile}
}

// Begin has Driver Verifier do what is wanted, which takes a reboot, and returns what is in effect then: that it is what was
// wanted has been seen. What an earlier one has left is brought back first.
func (v Verification) Begin(ctx context.Context, want Verifier) (InEffect, error) {
	if _, err := v.End(ctx); err != nil {
		return InEffect{}, err
	}
	if err := v.preparation(&want).Run(ctx); err != nil {
		return InEffect{}, err
	}
	is, err := v.Effective(ctx)
	if err == nil && !is.Covers(want) {
		err = fmt.Errorf("it was set, and %s", is)
	}
	return is, err
}

// End brings Driver Verifier back to what it was, with a reboot where that takes one, and sees that it is so. Where nothing was
// begun, or it has ended, found is false. Whatever it is cut off by, the same call goes on.
func (v Verification) End(ctx context.Context) (found bool, err error) {
	switch err := v.preparation(nil).Undo(ctx); {
	case errors.Is(err, ErrNothingToUndo):
		return false, nil
	case err != nil:
		return true, err
	}
	is, set, err := v.ask(ctx)
	switch {
	case err != nil:
		return true, err
	case !sameNames(is.Drivers, set):
		return true, fmt.Errorf("it is set as it was before, for %s, and %s", names(set), is)
	}
	return true, nil
}

// Effective is what Driver Verifier does in this boot.
func (v Verification) Effective(ctx context.Context) (InEffect, error) {
	is, _, err := v.ask(ctx)
	return is, err
}

// ask returns that, and for which drivers it is set.
func (v Verification) ask(ctx context.Context) (is InEffect, set []string, err error) {
	answers, err := windows.Do(ctx, v.Host, windows.Ask("verifier.exe", "/query"), readVerifier(item{}))
	var s state
	if err == nil {
		s, err = stateOfVerifier(item{Kind: verifierKind}, answers[1])
	}
	if err != nil {
		return InEffect{}, nil, fmt.Errorf("find out what Driver Verifier does: %w", err)
	}
	set, _ = setTo(s)
	return effectiveVerifier(answers[0].Output()), set, nil
}

// InEffect is what Driver Verifier does in a boot. The zero value is one that verifies nothing.
type InEffect struct {
	Flags   uint32   `json:"flags"`
	Drivers []string `json:"drivers"` // files, in lower case, whether they are loaded or not
}

// Covers reports whether that is what was wanted: exactly these drivers, and at least these flags. Which flags "standard" is
// differs between versions of Windows: more than none.
func (e InEffect) Covers(want Verifier) bool {
	flags := want.bits()
	return sameNames(e.Drivers, want.Drivers) && e.Flags != 0 && e.Flags&flags == flags
}

func (e InEffect) String() string {
	if len(e.Drivers) == 0 {
		return "this boot verifies nothing"
	}
	return fmt.Sprintf("this boot verifies %s with the flags 0x%x", names(e.Drivers), e.Flags)
}

func names(files []string) string {
	if len(files) == 0 {
		return "nothing"
	}
	return strings.Join(slices.Sorted(slices.Values(files)), ", ")
}
