package windows

import (
	"context"
	_ "embed"
	"fmt"

	"wskharness/vm/powershell"
)

// Host is a Windows that executes calls.
type Host interface {
	// Do executes calls in their order, in one conversation, and gives an answer for each. A call that failed is an answer; what
	// changes something is skipped behind a change that failed. An error is about the conversation, of which nobody knows how
	// far it got. Reading again, and executing again, does no harm.
	Do(ctx context.Context, calls []Call) ([]Answer, error)
}

// Do has a host execute calls of which none may fail: an error is also the first call's that did.
func Do(ctx context.Context, host Host, calls ...Call) ([]Answer, error) {
	answers, err := host.Do(ctx, calls)
	if err != nil {
		return nil, err
	}
	for n, a := range answers {
		if err := a.Err(calls[n]); err != nil {
			return nil, err
		}
	}
	return answers, nil
}

// PowerShell is a host whose PowerShell executes the calls. 5.1 has to be there, as it is on Windows 10 and Server 2016, and later.
type PowerShell struct{ Host powershell.Host }

//go:embed calls.ps1
var script string

// Do is of Host.
func (p PowerShell) Do(ctx context.Context, calls []Call) ([]Answer, error) {
	var said struct {
		Answers powershell.List[Answer] `json:"answers"`
	}
	if err := powershell.Run(ctx, p.Host, powershell.Script{Name: "ask Windows", Text: script}, parameters(calls), &said); err != nil {
		return nil, err
	}
	return said.Answers, check(said.Answers, calls)
}

// parameters are what the script gets.
func parameters(calls []Call) map[string]any {
	type call struct {
		Call
		Reads    bool   `json:"reads"`
		Password string `json:"password,omitempty"`
	}
	all := make([]call, len(calls))
	for i, c := range calls {
		all[i] = call{c, c.Reads(), c.Secret.Reveal()}
	}
	return map[string]any{"calls": all}
}

// check holds answers to what they can be.
func check(answers []Answer, calls []Call) error {
	if len(answers) != len(calls) {
		return fmt.Errorf("ask Windows: %d answers to %d calls", len(answers), len(calls))
	}
	for i, a := range answers {
		if err := a.check(0); err != nil {
			return fmt.Errorf("ask Windows: the answer to %q can't be: %w", calls[i].describe(), err)
		}
	}
	return nil
}
