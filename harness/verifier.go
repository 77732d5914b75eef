package harness

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"wskharness/guest"
	"wskharness/harness/driverrun"
	"wskharness/prepare"
	"wskharness/prepare/windows"
	"wskharness/remote"
	"wskharness/results"
	"wskharness/suites"
	"wskharness/vm/powershell"
)

// verifying is Driver Verifier on a machine: [prepare.Verification] says how it behaves.
type verifying interface {
	Begin(ctx context.Context, want prepare.Verifier) (prepare.InEffect, error)
	End(ctx context.Context) (found bool, err error)
	Effective(ctx context.Context) (prepare.InEffect, error)
}

// proof is what Driver Verifier was seen to do in the guest, for the cases that ask for that.
type proof struct {
	Of string           `json:"of"` // what they ask for, in words
	Is prepare.InEffect `json:"is"`
}

// lacksVerifier says why no case can run under Driver Verifier in this guest; "" where it can.
func lacksVerifier(f guest.Facts) string {
	switch {
	case f.Kind() != guest.KindWindows:
		return "needs Driver Verifier, which this guest lacks: it is a part of Windows' own kernel"
	case f.Verifier == nil:
		return "needs Driver Verifier, and what that does in this guest can't be found out"
	}
	return ""
}

// verifies reports whether Driver Verifier is at something in the boot that the facts are of.
func verifies(f guest.Facts) bool {
	return f.Verifier != nil && strings.Trim(*f.Verifier, "0x") != ""
}

// sameVerifier keeps, of what is to run, that which runs under the same Driver Verifier as the first of it. What asks for none
// comes first: to change it takes a reboot.
func sameVerifier(pending []*attempt) (same []*attempt) {
	first := pending[0].test.Verifier
	for _, t := range pending {
		if t.test.Verifier == nil {
			first = nil
		}
	}
	for _, t := range pending {
		if reflect.DeepEqual(t.test.Verifier, first) {
			same = append(same, t)
		}
	}
	return same
}

// verify sees to it that Driver Verifier is at what cases ask for, or, where they ask for nothing, that nothing of what this run,
// or another that has died, began with it is left.
func (s *session) verify(ctx context.Context, want *suites.Verifier) error {
	if want == nil {
		return s.unverify(ctx)
	}
	return s.verifierPhase(ctx, func(ctx context.Context, v verifying) (string, error) {
		wanted := s.wanted(want)
		if s.seen(want) && verifies(s.facts) {
			if is, err := v.Effective(ctx); err == nil && is.Covers(wanted) {
				return s.proven(want, is), nil
			}
		}
		s.proof, s.begun = nil, true
		s.disconnect(ctx)
		is, err := v.Begin(ctx, wanted)
		if err != nil {
			return "", fmt.Errorf("set Driver Verifier on %s (%s): %w", s.target.Name, want, err)
		}
		if err := s.comeBack(ctx); err != nil {
			return "", err
		}
		// The guest's own kernel has to agree.
		if got := told(s.facts.Verifier); got != fmt.Sprintf("0x%x", is.Flags) {
			return "", fmt.Errorf("set Driver Verifier on %s (%s): verifier.exe says that %s, and the kernel that the flags are %s", s.target.Name, want, is, got)
		}
		if f := want.Faults; f != nil {
			if err := pause(ctx, f.After-s.facts.Uptime); err != nil {
				return "", err
			}
		}
		return s.proven(want, is), nil
	})
}

// comeBack opens the guest again behind reboots that were ordered, of which the machine may have told.
func (s *session) comeBack(ctx context.Context) error {
	if err := s.reconnect(ctx, ""); err != nil {
		return err
	}
	s.drainEvents()
	return nil
}

// proven notes what was seen; every verdict names it from now on.
func (s *session) proven(want *suites.Verifier, is prepare.InEffect) string {
	s.proof = &proof{Of: want.String(), Is: is}
	s.tellGuest()
	return is.String()
}

// seen reports whether Driver Verifier was seen to be at what is wanted.
func (s *session) seen(want *suites.Verifier) bool {
	return s.proof != nil && s.proof.Of == want.String()
}

// unverify brings Driver Verifier back to what it was before.
func (s *session) unverify(ctx context.Context) error {
	left := s.begun || verifies(s.facts) && s.foreign != s.facts.BootID
	if !left || s.machine == nil || s.taken != nil || lacksVerifier(s.facts) != "" {
		return nil
	}
	return s.verifierPhase(ctx, func(ctx context.Context, v verifying) (string, error) {
		found, err := v.End(ctx)
		if err != nil {
			return "", fmt.Errorf("bring Driver Verifier on %s back to what it was: %w; by hand, `verifier /reset` and a reboot do it", s.target.Name, err)
		}
		s.proof, s.begun, s.foreign = nil, false, s.facts.BootID
		if !found {
			return "nothing of it is ours", nil
		}
		s.disconnect(ctx)
		if err := s.comeBack(ctx); err != nil {
			return "", err
		}
		s.foreign = s.facts.BootID
		return "it is what it was before", nil
	})
}

// verifierPhase does something with Driver Verifier.
func (s *session) verifierPhase(ctx context.Context, do func(context.Context, verifying) (string, error)) error {
	return s.run.phase(s.target.Name, results.PhaseVerifier, func() (string, error) {
		return whileThere(ctx, s.machine, func(ctx context.Context) (string, error) {
			if w := s.run.env.world; w != nil {
				return do(ctx, w.verifier(s.machine))
			}
			client, err := remote.New(s.machine.Endpoint(), s.clientOptions())
			if err != nil {
				return "", err
			}
			detail, err := do(ctx, prepare.Verification{
				Host:       windows.PowerShell{Host: powershell.Remote(client, s.target.Name)},
				BootWithin: s.bootWait(), Tell: func(text string) { s.log.Info("Driver Verifier", "does", text) },
			})
			return detail, errors.Join(err, client.Close())
		})
	})
}

// notVerified is what becomes of cases when Driver Verifier could not be made what they ask for.
func (s *session) notVerified(ctx context.Context, attempts []*attempt, err error) driverrun.Outcome {
	if ctx.Err() == nil {
		for _, t := range attempts {
			if t.test.Verifier != nil {
				s.finish(t, results.Verdict{Outcome: results.Error, Reason: err.Error()})
			}
		}
	}
	return driverrun.Outcome{Tainted: "Driver Verifier is not what it has to be", Why: err.Error()}
}

// wanted is what cases ask for, with the driver under test where they name none.
func (s *session) wanted(v *suites.Verifier) prepare.Verifier {
	w := prepare.Verifier{Flags: v.Flags, Drivers: v.Drivers}
	if len(w.Drivers) == 0 {
		w.Drivers = []string{s.run.artifacts.pkg.Manifest.Driver.File}
	}
	if f := v.Faults; f != nil {
		w.Faults = &prepare.Faults{Probability: f.Probability, Tags: f.Tags, Minutes: int(f.After / time.Minute)}
	}
	return w
}

// leave brings Driver Verifier back on a machine that others get as it is, whatever became of the run.
func (s *session) leave(ctx context.Context) {
	if request := s.run.plan.Request; !s.begun || !s.lasting() && !request.Keep && !request.Warm {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*s.bootWait()+orderLimit)
	defer cancel()
	if err := s.unverify(ctx); err != nil {
		s.log.Warn("Driver Verifier is left as the run has set it: the next run on this machine brings it back", "error", err)
	}
}

// underVerifier is what is added to the name of the guest while Driver Verifier is at what cases ask for.
func (s *session) underVerifier(g *results.Guest) {
	if s.proof != nil {
		g.Label += fmt.Sprintf(", under Driver Verifier (flags 0x%x: %s)", s.proof.Is.Flags, strings.Join(s.proof.Is.Drivers, ", "))
		g.Facts.Verified = s.proof.Is.Drivers
	}
}

// held takes a pass back of which nobody has seen that it was one under the Driver Verifier that its case asks for.
func (s *session) held(t *attempt, v results.Verdict) results.Verdict {
	want := t.test.Verifier
	if want == nil || s.seen(want) || v.Outcome != results.Pass && v.Outcome != results.KnownIssue {
		return v
	}
	return v.Unproven(fmt.Sprintf("Driver Verifier (%s) was not in effect to the end: the flags are %s", want, told(s.facts.Verifier)))
}

func told(flags *string) string {
	if flags == nil {
		return "not known"
	}
	return strings.ToLower(*flags)
}

// pause waits.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
