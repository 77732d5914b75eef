package harness

import (
	"fmt"
	"strings"

	"wskharness/harness/driverrun"
	"wskharness/prepare"
	"wskharness/remote"
	"wskharness/results"
)

// examine tells, before anything is deployed, what is in the way of the driver in the guest as it is now: `doctor TARGET` in short
// form, by the facts that are here already. Each is told once. The error says why no driver can load.
func (s *session) examine() error {
	name, pkg := s.target.Name, s.run.artifacts.pkg
	found := prepare.Brief(s.facts, prepare.Known{
		TestSigned: pkg.Manifest.Certificate.Thumbprint != "", Thumbprint: pkg.Manifest.Certificate.Thumbprint, NTLM: s.machine.Endpoint().Auth == remote.AuthNTLM,
	})
	var refused []string
	for _, f := range found {
		text := fmt.Sprintf("%s: %s: %s", f.Setting, f.Detail, mend(f, name))
		if f.Refuses {
			refused = append(refused, text)
			continue
		}
		if s.told[text] {
			continue
		}
		if s.told == nil {
			s.told = map[string]bool{}
		}
		s.told[text] = true
		level := results.Warning
		if !f.Wrong() {
			level = results.Info
		}
		s.run.notice(name, level, "%s", text)
	}
	if refused == nil {
		return nil
	}
	return fmt.Errorf("nothing was deployed, since Windows would not load the driver: %s", strings.Join(refused, "; "))
}

// mend is what mends a finding, in one line.
func mend(f prepare.Finding, target string) string {
	if f.Status == prepare.Change {
		return fmt.Sprintf("`wskharness vm prepare %s`, or by hand: %s", target, f.Fix)
	}
	return f.Fix
}

// refuse is the outcome of a run of the driver that was not begun, since Windows would not load it: that is about the machine, as
// a load is that Windows has refused.
func (s *session) refuse(why error) driverrun.Outcome {
	const name = "deploy.start"
	n := s.runs + 1 // that of the run that there would be; whoever resumes this one says the same, which is recorded once
	s.write(nil, results.Event{Kind: results.KindCaseStarted, Case: name, Attempt: n})
	s.write(nil, results.Event{Kind: results.KindCaseFinished, Case: name, Attempt: n, Verdict: &results.Verdict{Outcome: results.Error, Reason: why.Error()}})
	return driverrun.Outcome{Over: "Windows would not load the driver (deploy.start)"}
}
