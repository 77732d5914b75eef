// Package report reads what test programs say of their own tests: TAP (the Test Anything Protocol, versions 12 to 14) and
// JUnit XML, in whatever encoding they came to be written.
//
//	report, err := report.TAP(data, report.CodePage(850))
//	report, err := report.JUnit(data, report.CodePage(1252))
//
// A report is taken at its word only where that is plain. What can be read in two ways is read in the one that does not
// pass: a directive that is none, a counter that the tests contradict, a state that is not known, a report that ends in its
// middle. The error says why a report proves nothing, whatever its tests say. Reading takes time and memory in proportion to
// the report; of its results only some are kept, and all are counted.
//
// The package knows nothing of steps, suites of the harness, or guests.
package report
