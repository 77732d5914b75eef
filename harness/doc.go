// Package harness is one run of wskharness: it reads the configuration, plans, builds the package
// that is tested, brings up the targets, deploys, follows the agent in each of them, and judges.
//
//	config, err := config.Load(kinds.All(), "", ".")
//	plan, err := harness.NewPlan(harness.Request{Config: config})
//	done, err := plan.Run(ctx, harness.Env{Host: env}, view)
//	os.Exit(results.ExitCode(done.Record, plan.Request.Policy))
//
// It is the only package that knows all rooms: suites say what to test, driver what to test it
// with, vm where, guest how; results keeps what happened. An error of this package is about the
// infrastructure or about what was asked for; what became of a test is a verdict, and data.
package harness
