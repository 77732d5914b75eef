package harness

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"wskharness/driver"
	"wskharness/guest"
	"wskharness/results"
	"wskharness/suites"
	"wskharness/vm"
)

// driverStart judges the start of the driver. A driver whose own DriverEntry fails has a verdict;
// a machine that does not let it start is infrastructure.
func (l *load) driverStart(r guest.Record) {
	want := l.kit.pkg.Manifest.Driver.SHA256
	if r.OK && r.SHA256 == want {
		l.started = true
		return
	}
	l.outcome.over, l.outcome.why = true, "the driver did not start (deploy.start)"
	v := results.Verdict{Outcome: results.Error, Rerun: l.rerunAll()}
	switch {
	case r.OK || r.Why == "hash":
		v.Reason = fmt.Sprintf("the driver in the guest has SHA-256 %s, not the deployed %s: nothing was started; "+
			"something changed it on the way or in the guest", orNone(r.SHA256), want)
	case r.Entry != 0:
		v.Outcome = results.Fail
		v.Reason = "DriverEntry failed"
		v.Deviation = &results.Deviation{Step: -1, Text: "start " + l.plan.Request.Config.service().Name,
			Expected: "STATUS_SUCCESS", Actual: suites.StatusText(r.Entry)}
	case r.Why == "start" && !startRefused(r.Win32):
		// The service manager passes on DriverEntry's status as a Win32 error.
		v.Outcome = results.Fail
		v.Reason = "DriverEntry failed"
		v.Deviation = &results.Deviation{Step: -1, Text: "start " + l.plan.Request.Config.service().Name,
			Expected: "ERROR_SUCCESS", Actual: win32Text(r.Win32)}
	default:
		v.Reason = fmt.Sprintf("%s the driver: %s", startStage(r.Why), win32Text(r.Win32))
	}
	l.own("deploy.start", v)
}

// startRefused reports the Win32 errors of a machine (or its service manager) that did not let the
// driver start; any other is what DriverEntry's own status became on its way through it.
func startRefused(code uint32) bool {
	switch code {
	case 2, 3, 5, 32, 127, 193, 216, 577, 1053, 1055, 1056, 1058, 1060, 1068, 1072, 1075, 1115, 1275, 1359, 1722, 4551:
		return true
	}
	return false
}

// win32Text is a Win32 error by name, with what to do about it.
func win32Text(code uint32) string {
	e := suites.Win32(code)
	if e.Advice == "" {
		return e.String()
	}
	return e.String() + ": " + e.Advice
}

func startStage(why string) string {
	switch why {
	case "install":
		return "install the service of"
	case "open":
		return "open the device of"
	case "abi":
		return "agree on an ABI with"
	}
	return "start"
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// conclude judges what could not be judged while the guest was talking.
func (l *load) conclude(ctx context.Context) {
	l.judgeHang(ctx)
	switch {
	case l.open != nil && l.open.end != nil && l.crash == nil:
		// The device went away and the agent lived to tell: the machine's word may still come.
		l.awaitCrash(ctx)
	}
	switch {
	case l.crash != nil:
		l.lastWords(ctx)
		l.crashed(append(l.evidence(), l.collectDumps(ctx)...))
	case l.rebooted:
		l.afterReboot(ctx)
	case l.open != nil && !l.open.judged():
		l.abandoned()
	}
	if l.lost != "" {
		l.taint(l.lost)
	}
	l.unproven()
}

// afterReboot judges a boot that ended while nobody watched the machine: a dump, or a stop code in the event log, is as
// good as its word.
func (l *load) afterReboot(ctx context.Context) {
	dumps := l.collectDumps(ctx)
	events, crash, none := l.stopEvents(ctx)
	if crash == nil && len(dumps) > 0 {
		crash = &vm.Event{Kind: vm.Panicked, Time: time.Now()}
	}
	if crash != nil {
		l.crash = crash
		l.crashed(append(dumps, events...))
		return
	}
	l.lost += "; " + none
	if l.open != nil && !l.open.judged() {
		l.tell(l.open, events)
		l.abandoned()
	}
}

// lastWords reads what the guest wrote into its journal before it crashed and could not send any more: by it
// the guilty case is known, and the step. The disk has survived the crash; the guest has to boot first.
func (l *load) lastWords(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.allow(connectLimit))
	defer cancel()
	if err := l.reconnect(ctx, l.boot); err != nil {
		l.tear(err)
		return
	}
	l.readRest(ctx)
}

// readRest reads the journal of a boot that is over, up to its end. A network that fails is no end.
func (l *load) readRest(ctx context.Context) {
	for try := 1; !l.ended; try++ { // what ended has no rest
		stream, err := l.guest.Follow(ctx, l.id, l.at, l.raw)
		for err == nil {
			var record guest.Record
			if record, err = stream.Next(ctx); err == nil {
				l.take(record)
			}
		}
		if stream != nil {
			stream.Close()
		}
		if _, ended := errors.AsType[*guest.EndedError](err); ended || errors.Is(err, io.EOF) {
			return // nobody writes it any more
		}
		l.cuts = 0 // a guest that is on its way down or up may cut it again and again
		if try == maxRest || !l.mayGoOn(err) {
			l.tear(err)
			return
		}
		if err := l.reconnect(ctx, ""); err != nil {
			l.tear(err)
			return
		}
	}
}

// tear notes that the end of the journal is missing: what was under way at the end is not known.
func (l *load) tear(err error) {
	if l.ended {
		return // nothing is missing
	}
	l.torn = true
	l.notice(l.target.Name, results.Warning, "the end of the guest's journal could not be fetched: %v", err)
}

// awaitCrash waits for the machine to tell that it crashed.
func (l *load) awaitCrash(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, l.allow(evidenceLimit))
	defer cancel()
	if e := l.nextCrash(ctx); e != nil {
		l.crash = e
		return
	}
	l.tooLate("deploy.crash", "the machine told of no crash within %s", l.allow(evidenceLimit))
}

// crashed gives the crash to the case that was under way, with what the machine tells of it.
func (l *load) crashed(evidence []results.Evidence) {
	l.taint("the guest crashed")
	reason := l.crash.Describe()
	if at := l.source(l.crash.Module, l.crash.ModuleOffset); at != "" {
		reason += " in " + at
	}
	if l.open == nil {
		name := "deploy.start"
		switch {
		case l.torn:
			name = "deploy.crash"
			reason += ": in which case is not known, since the end of the guest's journal is missing"
		case l.started:
			name = "deploy.stop"
		}
		l.own(name, results.Verdict{Outcome: results.Bugcheck, Reason: reason, Rerun: l.rerunAll()})
		for _, e := range evidence {
			l.append(results.Event{Kind: results.KindEvidence, Target: l.target.Name, Evidence: &e})
		}
		if !l.started && !l.torn {
			l.outcome.over, l.outcome.why = true, "the guest crashed when the driver was started (deploy.start)"
		}
		return
	}
	t := l.open
	if l.torn {
		l.own("deploy.crash", results.Verdict{Outcome: results.Bugcheck, Rerun: l.rerunAll(),
			Reason: reason + ": in " + t.test.Name() + " or later, since the end of the guest's journal is missing"})
	}
	l.tell(t, evidence)
	v := results.Verdict{Outcome: results.Bugcheck, Elapsed: time.Since(t.started), Reason: l.during(t) + reason}
	if l.torn {
		v.Outcome, v.Reason = results.Lost, "the guest crashed in this case or a later one: "+reason
	}
	l.finish(t, v)
}

// during names the step that did not come back.
func (l *load) during(t *trial) string {
	if n := t.next(); n < len(t.test.Steps) {
		return fmt.Sprintf("in step %d (%s): ", n+1, t.test.Steps[n].Text)
	}
	if last := len(t.steps) - 1; last >= 0 && t.deviated() {
		return fmt.Sprintf("at step %d or after it: ", t.steps[last].Step+1) // which may have come back because of it
	}
	return "after the last step: "
}

// source is where an offset into the tested driver is in its sources, by the debug information of its build;
// empty where that does not say.
func (l *load) source(module string, offset uint64) string {
	if l.kit == nil || l.kit.pkg.Symbols == "" || !strings.EqualFold(module, filepath.Base(l.kit.pkg.Driver)) {
		return ""
	}
	symbols, err := driver.OpenSymbols(l.kit.pkg.Symbols)
	if err != nil {
		l.log.Warn("find the place of the crash in the sources", "error", err)
		return ""
	}
	at, ok := symbols.Lookup(offset)
	if !ok {
		return ""
	}
	return at.String()
}

// signature names a crash by what it is and where: the same crash has the same one, in whichever case, target
// or run. A page fault that the guest told of without a stop code goes by its kind of access.
func signature(e *vm.Event) string {
	code := fmt.Sprintf("0x%X", e.Code)
	if e.Code == 0 && e.Access != "" {
		code = "fault-" + e.Access
	}
	if e.Module == "" {
		return code
	}
	return fmt.Sprintf("%s %s+0x%x", code, strings.ToLower(e.Module), e.ModuleOffset)
}

// evidence is what the machine tells of a crash, with the console kept as a file.
func (l *load) evidence() []results.Evidence {
	all := []results.Evidence{{Kind: "fault", Text: l.crash.Text, Module: l.crash.Module, Offset: l.crash.ModuleOffset,
		Source: l.source(l.crash.Module, l.crash.ModuleOffset), Signature: signature(l.crash)}}
	console, ok := l.machine.(vm.Console)
	if !ok {
		return all
	}
	text, err := console.Console()
	if err != nil {
		l.notice(l.target.Name, results.Warning, "read the console after the crash: %v", err)
		return all
	}
	path := filepath.Join(l.folder(), fmt.Sprintf("console-%d.log", l.loads))
	if err := os.WriteFile(path, text, 0o644); err != nil {
		l.notice(l.target.Name, results.Warning, "keep the console after the crash: %v", err)
		return all
	}
	file, err := filepath.Rel(l.dir, path)
	if err != nil {
		return all
	}
	return append(all, results.Evidence{Kind: "console", File: filepath.ToSlash(file), Size: int64(len(text))})
}

// abandoned judges a case that was under way when the guest stopped talking without a crash.
func (l *load) abandoned() {
	t := l.open
	v := results.Verdict{Outcome: results.Lost, Elapsed: time.Since(t.started), Reason: l.during(t)}
	switch {
	case l.cancelled && l.lost == "" && l.limit != nil:
		v.Outcome, v.Reason = results.NotRun, l.limit.Error()+" while it ran"
	case l.cancelled && l.lost == "":
		v.Outcome, v.Reason = results.Cancelled, "the run was interrupted"
	case l.unwritten != "":
		v.Outcome = results.Error
		v.Reason += l.unwritten
	case l.lost != "":
		v.Reason += l.lost
	case t.end != nil:
		v.Reason += fmt.Sprintf("the driver's device stopped answering (%s), and the machine did not say why",
			win32Text(t.end.Win32))
		l.taint("the driver's device stopped answering")
	default:
		v.Reason += "the guest's journal ended in the middle of the case"
		l.taint("the guest's journal ended in the middle of a case")
	}
	l.finish(t, v)
}

// unproven takes back the passes of a load that should have ended with a clean unload and did not: a driver
// that can't be unloaded may have broken anything. Where a case is to blame for the load's end, those before
// it ended clean, and stay.
func (l *load) unproven() {
	if !l.unloadDue || l.driverDone {
		return
	}
	for _, t := range l.passed {
		v := *t.verdict
		v.Outcome, v.Known = results.Error, nil
		v.Reason = "not proven: every step was as declared, but the driver did not unload cleanly afterwards"
		l.finish(t, v)
	}
}

// contactLost finds out why the journal broke off. It returns a stream to go on with where the run
// goes on in the guest, and nil where this load is over. What decides is the machine's own word of a crash,
// and then the boot id: never that the guest can be reached again.
func (l *load) contactLost(ctx context.Context, err error) *guest.Stream {
	l.log.Warn("the guest's journal broke off", "error", err)
	_, ended := errors.AsType[*guest.EndedError](err)
	if l.unanswered == nil && l.order.ID != "" && l.at == (guest.Position{}) && l.mayGoOn(err) {
		l.unanswered, l.askedAt = err, time.Now() // whoever was to start the run may have ended with the contact
	}
	l.countCut(err)
	switch {
	case l.unheardOf(err):
		l.outcome.unheard = true
		l.lost = "the answer to the start of the run was lost, and there is no journal: whether it was started is not known"
		return nil
	case !ended && !l.rebooting && !l.rebootsNext() && !l.mayGoOn(err):
		l.lost = err.Error()
		return nil
	case l.cancelled:
		l.awaitCrash(ctx)
		l.lost = err.Error() // whoever interrupted the run does not want to wait for the guest to come back
		return nil
	}
	if !ended && (l.rebooting || l.rebootsNext()) {
		return l.acrossReboot(ctx)
	}
	if err := l.reconnect(ctx, ""); err != nil {
		l.awaitCrash(ctx)
		l.lost = err.Error()
		return nil
	}
	if ended || l.facts.BootID != l.boot {
		if l.awaitCrash(ctx); l.crash != nil {
			return nil
		}
	}
	if l.facts.BootID != l.boot {
		l.rebooted = true
		l.readRest(ctx)
		l.lost = fmt.Sprintf("the guest rebooted unexpectedly (boot id %s, before %s), without a sign of a crash", l.facts.BootID, l.boot)
		return nil
	}
	if ended {
		l.lost = "the agent's run in the guest was ended from outside, in the same boot: " + err.Error()
		if full := l.fullDisk(ctx); full != "" {
			l.unwritten = "the agent's run in the guest ended without its last words; " + full
			l.lost += "; " + full
		}
		return nil
	}
	if l.notThereYet(err) {
		return l.startAgain(ctx)
	}
	stream, followErr := l.guest.Follow(ctx, l.id, l.at, l.raw)
	if followErr != nil {
		l.lost = followErr.Error()
		return nil
	}
	l.notice(l.target.Name, results.Warning, "contact was lost and found again: %v", err)
	return stream
}

// noteUnwritten takes in why records are missing before the journal's end.
func (l *load) noteUnwritten(r guest.Record) {
	if r.Win32 == 0 {
		return
	}
	l.unwritten = "the agent could not write its journal: " + win32Text(r.Win32)
	if full := l.fullDisk(context.Background()); full != "" {
		l.unwritten += "; " + full
	}
	l.outcome.why = l.unwritten
}

// fullDisk says that the disk of the guest is full; empty where it is not, or where that can't be found out.
func (l *load) fullDisk(ctx context.Context) string {
	if l.guest == nil {
		return "" // a resumed run whose guest is gone
	}
	ctx, cancel := context.WithTimeout(ctx, l.allow(tellLimit))
	defer cancel()
	state, err := l.guest.State(ctx, l.plan.Request.Config.service().Name, l.id)
	if err != nil || state.FreeBytes == nil || *state.FreeBytes >= littleSpace {
		return ""
	}
	return fmt.Sprintf("the disk of %s is full: %d bytes are free on the volume of %s; make room there, or give the guest a larger disk",
		l.target.Name, *state.FreeBytes, guest.Home)
}

// startAgain starts a run whose start was not answered and that has no journal. The agent starts it once,
// whichever request comes first: what is refused now has a journal soon.
func (l *load) startAgain(ctx context.Context) *guest.Stream {
	var stream *guest.Stream
	var err error
	if l.asked++; l.asked%2 == 1 {
		stream, err = l.guest.StartRun(ctx, l.order)
	} else {
		stream, err = l.guest.Follow(ctx, l.id, l.at, l.raw)
	}
	if err != nil {
		return l.contactLost(ctx, err)
	}
	return stream
}

// mayGoOn reports whether the run may well go on in the guest, after its journal broke off with err.
func (l *load) mayGoOn(err error) bool {
	_, rebooted := errors.AsType[*guest.RebootedError](err)
	_, lost := errors.AsType[*guest.LostError](err)
	if rebooted || lost || l.notThereYet(err) {
		return true
	}
	// Whoever printed the journal ended in the middle of it: the next one may tell why.
	if _, cut := errors.AsType[*guest.JournalError](err); !cut {
		return false
	}
	return l.cuts <= maxCuts
}

// countCut counts how often whoever printed the journal has ended in the middle of it at one place.
func (l *load) countCut(err error) {
	if _, cut := errors.AsType[*guest.JournalError](err); !cut {
		return
	}
	if l.cutAt != l.at {
		l.cutAt, l.cuts = l.at, 0
	}
	l.cuts++
}

// notThereYet reports a journal that the agent refused to print because there is none, of a run whose start was
// not answered.
func (l *load) notThereYet(err error) bool {
	_, refused := errors.AsType[*guest.AgentError](err)
	return refused && l.unanswered != nil && l.at == guest.Position{}
}

// unheardOf reports that there is no journal of a run whose start was not answered, and none to be expected.
func (l *load) unheardOf(err error) bool {
	return l.notThereYet(err) && time.Since(l.askedAt) > l.allow(unheardLimit)
}
