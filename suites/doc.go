// Package suites says what to test. A suite is a YAML file of cases, a case a list of steps over
// named clients and threads; the driver offers the operations, so a new case needs no C.
//
// The package loads and validates suites, selects cases, compiles them to the plan that the agent
// runs in a guest (driver/include/wskplan.h), and judges what comes back:
//
//	catalog, err := suites.Load(suites.Builtin()...)      // err is Mistakes: all of them at once
//	cases, err := catalog.Select(suites.Selection{Patterns: []string{"capture/*"}})
//	plan, err := suites.Compile(entries, suites.PlanOptions{RunID: "r1", Service: "wsksample", …})
//	// … the agent runs plan and journals results …
//	for _, d := range cases[0].Judge(results) { … }
//
// What steps exist, their arguments and what they report is one table, from which the loader, the compiler, the JSON Schema
// (JSONSchema) and the reference in docs/suites.md all work. An operation is one row of it, in the …operations.go that its
// subject names, with the functions for what is special to it.
//
// It knows nothing of guests or of how results get here: capabilities are names, results are
// plain data, and whatever comes from a guest is treated as hostile.
package suites
