package report

import "strings"

// outcomeOfState is what the word of a status or result attribute says of a test; known tells whether anybody says so.
// Sources: what googletest, Catch2, CTest, Bazel, Ginkgo, Criterion, QtTest and Behave write.
func outcomeOfState(word string) (outcome Outcome, known bool) {
	word = strings.Map(func(r rune) rune {
		if strings.ContainsRune("-_ \t", r) {
			return -1
		}
		return r
	}, strings.ToLower(word))
	switch word {
	case "", "run", "ran", "completed", "complete", "pass", "passed", "ok", "success", "successful", "succeeded", "executed", "done":
		return OK, true
	case "notrun", "suppressed", "skip", "skipped", "disabled", "ignore", "ignored", "pending", "untested", "filtered", "excluded":
		return Skip, true
	case "xfail", "xfailed", "expectedfailure", "todo":
		return Todo, true
	case "fail", "failed", "failure", "error", "errored", "broken", "xpass", "xpassed", "crash", "crashed", "aborted", "timeout", "timedout", "panicked", "interrupted",
		"inconclusive": // it ran, and showed nothing: NUnit's own stylesheet for JUnit counts it under errors
		return NotOK, true
	}
	return NotOK, false
}

// outcomeOfElement is what a test is that has such an element; none where it says nothing. Of a name that nobody knows the
// worse is assumed.
func outcomeOfElement(name string) Outcome {
	switch name {
	case "flakyFailure", "flakyError":
		return "" // Maven Surefire: an attempt failed, and a later one, by which the test is judged, did not
	case "warning":
		return NotOK // PHPUnit: the test could not be run as it is
	}
	name = strings.ToLower(name)
	for _, part := range []string{"fail", "error", "abort", "crash", "timeout", "timedout", "inconclusive"} {
		if strings.Contains(name, part) {
			return NotOK
		}
	}
	for _, part := range []string{"skip", "ignore", "disable", "notrun", "pending", "incomplete"} {
		if strings.Contains(name, part) {
			return Skip
		}
	}
	return ""
}

// couldNotRun reports a reason that CTest gives for a test as skipped that it failed to run, and counts as failed itself.
// Source: CTest's completion statuses (cmCTestRunTest).
func couldNotRun(message string) bool {
	for _, reason := range []string{
		"Unable to find executable", "Fixture dependency failed", "Required Files Missing", "Failed to change working directory",
		"Missing Configuration", "Insufficient resources", "Invalid resource spec file",
	} {
		if strings.HasPrefix(message, reason) {
			return true
		}
	}
	return false
}

// otherFormat names the format whose root that is.
func otherFormat(root string) string {
	switch root {
	case "assemblies", "assembly":
		return "it is xUnit.net's own XML: ask its runner for JUnit"
	case "test-run", "test-results":
		return "it is NUnit's own XML: ask its runner for JUnit"
	case "TestRun":
		return "it is a TRX file: ask the runner for JUnit"
	case "Catch", "Catch2TestRun", "doctest":
		return "it is the XML of " + root + ": ask for its reporter junit"
	case "TestLog", "TestResult", "Site":
		return "it is another XML of test results: ask its program for JUnit"
	}
	return "it is not JUnit XML: its root is " + clip(root, 60)
}
