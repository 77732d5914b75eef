package suites

import (
	"fmt"
	"regexp"
	"strings"

	"wskharness/driver/abi"
	"wskharness/winerr"
)

// runStep is what a step that runs a program says of it.
type runStep struct {
	program string
	input   string   // its standard input, in words
	report  string   // the file that it writes; empty: none
	looks   []string // its arguments that name files: where it fails, which of them is not there is told
}

// fileArgument is an argument that is a file's path in the guest, and no option: its name has an ending.
var fileArgument = regexp.MustCompile(`^[^-/].*\.[A-Za-z][A-Za-z0-9]{0,7}$`)

func namesFile(argument string) bool {
	path := strings.ReplaceAll(argument, "/", `\`)
	return fileArgument.MatchString(argument) && checkGuestPath(path) == nil
}

// where names a path of the guest as its reader finds it.
func where(path string) string {
	if absolute(path) {
		return path
	}
	return path + " in the case's folder"
}

func absolute(path string) bool { return len(path) > 1 && path[1] == ':' }

// failed says what became of a program that did not come to its end, or whose report is not there; values are those of its
// step. Empty: that the status says.
func (run *runStep) failed(code winerr.NTStatus, values []uint64) string {
	if len(values) <= abi.PlanValueRunAt {
		return ""
	}
	status := code.String()
	absent := code == winerr.ErrorFileNotFound.NTStatus() || code == winerr.ErrorPathNotFound.NTStatus()
	switch values[abi.PlanValueRunAt] {
	case abi.PlanRunAtFolder:
		return "the case's folder could not be made: " + status
	case abi.PlanRunAtOldReport:
		return fmt.Sprintf("what was in the place of the report, %s, could not be taken away before the program ran, which it did not: %s%s",
			where(run.report), status, map[winerr.NTStatus]string{winerr.ErrorDirectory.NTStatus(): ", it is a folder", winerr.ErrorSharingViolation.NTStatus(): ", it is held open"}[code])
	case abi.PlanRunAtInput:
		return fmt.Sprintf("the program's standard input, %s, could not be opened: %s", run.input, status)
	case abi.PlanRunAtStart:
		switch {
		case absent && absolute(run.program):
			return fmt.Sprintf("there is no program %s: %s", run.program, status)
		case absent:
			return fmt.Sprintf("there is no program %s, nor where Windows looks for programs: %s", where(run.program), status)
		}
		return fmt.Sprintf("the program %s could not be started: %s", where(run.program), status)
	case abi.PlanRunAtReport:
		if absent {
			return fmt.Sprintf("the program ended with exit code %d and wrote no report %s: %s", values[abi.PlanValueRunExit], where(run.report), status)
		}
		return fmt.Sprintf("the program ended with exit code %d, and its report %s could not be read: %s", values[abi.PlanValueRunExit], where(run.report), status)
	}
	return ""
}

// missing says which file is not there that an argument of a failed program names. Empty: all are, or there are none.
func (run *runStep) missing(values []uint64) string {
	if len(values) <= abi.PlanValueRunMissing {
		return ""
	}
	if at := values[abi.PlanValueRunMissing]; at >= 1 && at <= uint64(len(run.looks)) {
		return fmt.Sprintf("there is no file %s, which an argument names", where(run.looks[at-1]))
	}
	return ""
}

// program is the program that the step is about, and what was reported of it: nil where it is about none. A join has that
// of its thread.
func (j *judgement) program() (run *runStep, values []uint64) {
	g := j.step.demands()
	if g == nil || g.run == nil {
		return nil, nil
	}
	if values = j.result.Values; j.step.joined != nil {
		values = values[min(abi.PlanValueJoined, len(values)):]
	}
	return g.run, values
}

// programFailed says what became of a program that did not come to its end; empty where there is none, or nothing to say.
func (j *judgement) programFailed() string {
	run, values := j.program()
	if run == nil {
		return ""
	}
	return run.failed(j.result.Status, values)
}

// hint is what is known of why a step failed, beyond what it came to. It begins with "; ", or is empty.
func (j *judgement) hint() string {
	run, values := j.program()
	if run == nil || run.missing(values) == "" {
		return ""
	}
	return "; " + run.missing(values)
}
