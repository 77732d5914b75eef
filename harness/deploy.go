package harness

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"wskharness/guest"
	"wskharness/guest/journal"
	"wskharness/harness/driverrun"
	"wskharness/results"
	"wskharness/suites"
	"wskharness/suites/output"
)

const (
	startLimit = 30 * time.Second
	stopLimit  = 30 * time.Second
	// unheardLimit is how long a run whose start was not answered may take to have a journal.
	unheardLimit = 20 * time.Second
)

// DriverRunID is what the guest knows a driver run by: the nth on its target in a run.
func DriverRunID(run, target string, n int) string { return fmt.Sprintf("%s-%s-%d", run, target, n) }

// codePages are the guest's, as far as they are known.
func (l *driverRun) codePages() output.CodePages {
	return output.CodePages{ANSI: uint16(l.session.facts.ACP), OEM: uint16(l.session.facts.OEMCP)}
}

// newState is the state of a driver run that a guest is given in that boot, of attempts that have passed before, or not.
func (l *driverRun) newState(boot string, pages output.CodePages, resumed bool, again func(attemptKey) bool) *driverrun.State {
	c := l.run.plan.Request.Config
	p := driverrun.Plan{
		N: l.n, ID: l.id, Target: l.session.target.Name, Boot: boot, SHA256: l.run.artifacts.pkg.Manifest.Driver.SHA256, Service: c.DriverService().Name,
		External: l.run.externalDriver(), Resident: c.Resident(), Version: l.session.facts.Version(), Pages: pages, FailFast: l.run.plan.Request.FailFast, Resumed: resumed,
		UnheardAfter: l.session.allow(unheardLimit), SuiteLimit: c.Limits.Suite, Spent: l.session.suiteTime,
	}
	kind := issueKind(l.session.target.Machine.Stack, l.session.facts)
	for _, t := range l.attempts {
		p.Attempts = append(p.Attempts, driverrun.Attempt{Case: t.test, Number: t.number, Seed: t.seed,
			Known: l.run.plan.Catalog.Known(kind, p.Version, t.test), Again: again(t.key())})
	}
	return driverrun.New(p)
}

// deploy compiles the plan for this guest, pushes it with the driver, and starts it. Where the start was not answered, it
// may have been started: unanswered says so, and there is no journal.
func (l *driverRun) deploy(ctx context.Context) (started following, unanswered error, err error) {
	pkg := l.run.artifacts.pkg
	entries := make([]suites.Entry, len(l.attempts))
	for i, t := range l.attempts {
		entries[i] = suites.Entry{Case: t.test, Attempt: t.number}
	}
	hash, err := hex.DecodeString(pkg.Manifest.Driver.SHA256)
	if err != nil || len(hash) != 32 {
		return nil, nil, fmt.Errorf("deploy to %s: the package says that the driver's SHA-256 is %q, which is not a SHA-256: build the driver again", l.session.target.Name, pkg.Manifest.Driver.SHA256)
	}
	path := guest.StorePath(pkg.Manifest.Driver.SHA256[:16], filepath.Base(pkg.Driver))
	files, err := l.files(pkg, path)
	if err != nil {
		return nil, nil, err
	}
	plan, err := suites.Compile(entries, suites.PlanOptions{
		RunID: l.id, DriverPath: path, Service: l.run.plan.Request.Config.DriverService().Name, DriverSHA256: [32]byte(hash),
		StartTimeout: l.serviceLimit(startLimit), StopTimeout: l.serviceLimit(stopLimit), Seed: l.run.seed(),
		External: l.run.plan.Request.Config.ExternalService(), INF: files.inf, Stored: files.stored,
	})
	if err != nil {
		return nil, nil, err
	}
	if l.raw, err = l.run.env.disk().OpenFile(l.rawPath(), os.O_RDWR|os.O_CREATE|os.O_TRUNC|os.O_APPEND, private); err != nil {
		err = fmt.Errorf("keep the guest's journal: %w", err)
		l.run.abort(err)
		return nil, nil, err
	}
	l.order = guest.Run{ID: l.id, Plan: plan, Journal: l.copyFrom(journal.Position{}), Files: files.all}
	started, err = l.session.guest.StartRun(ctx, l.order)
	if _, ok := errors.AsType[*guest.LostError](err); ok {
		return nil, err, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("deploy to %s: %w", l.session.target.Name, err)
	}
	return started, nil, nil
}

// rawPath is where the guest's journal is kept as it came.
func (l *driverRun) rawPath() string {
	return filepath.Join(l.session.folder(), fmt.Sprintf("journal-%d.ndjson", l.n))
}

// copyFrom is where the guest's journal is kept, from a position on: what was kept beyond that, and had not been taken in, comes
// again. That it can't be written is the controller's own trouble, and ends the run as a record that can't be written does: it
// is no verdict, and the run can be resumed.
func (l *driverRun) copyFrom(at journal.Position) *rawCopy { return &rawCopy{l, at.Offset, false} }

type rawCopy struct {
	l    *driverRun
	from int64
	cut  bool // at from
}

func (c *rawCopy) Write(p []byte) (int, error) {
	var n int
	var err error
	if !c.cut {
		c.cut, err = true, c.l.raw.Truncate(c.from)
	}
	if err == nil {
		n, err = c.l.raw.Write(p)
	}
	if err != nil {
		err = fmt.Errorf("keep the journal of the guest on %s: %w", c.l.session.target.Name, err)
		c.l.run.abort(err)
	}
	return n, err
}

// serviceLimit is how long the driver's service may take to start, or to stop.
func (l *driverRun) serviceLimit(least time.Duration) time.Duration {
	return min(l.session.allow(l.run.env.hurry(least)), suites.LongestWait)
}

// undeployed is the outcome of a driver run whose start went wrong. Where it was ended from here, the guest may have begun
// it all the same: it is asked to stop, and whoever uses the guest next gets it reverted.
func (l *driverRun) undeployed(ctx context.Context, err error) driverrun.Outcome {
	if ctx.Err() == nil {
		_, rebooted := errors.AsType[*guest.RebootedError](err)
		if rebooted && l.n == 1 && l.session.reconnect(ctx, "") == nil {
			// Nothing of the run had begun in the guest, which may have waited for hours for the driver to be built.
			l.run.notice(l.session.target.Name, results.Warning, "the guest has rebooted since it was connected to, before anything was started in it")
			return driverrun.Outcome{Why: err.Error()}
		}
		return driverrun.Outcome{Over: err.Error()}
	}
	if l.order.ID != "" {
		l.orderCancel(context.WithoutCancel(ctx))
		l.awaitOrders()
	}
	why := "the run was interrupted"
	if up := limitUp(ctx); up != nil {
		why = up.Error()
	}
	return driverrun.Outcome{Over: why, Tainted: why}
}
