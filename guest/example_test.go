package guest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"wskharness/guest"
	"wskharness/guest/journal"
	"wskharness/guest/transfer"
	"wskharness/remote"
)

// A run whose journal is followed to its end, whatever happens to the connection meanwhile.
func Example() {
	run := func(ctx context.Context, client remote.Client, agent guest.Agent, id string, plan []byte, driver transfer.File) error {
		g, err := guest.Connect(ctx, client, guest.Options{Agent: agent})
		if err != nil {
			return err
		}
		defer g.Close(context.WithoutCancel(ctx))
		fmt.Println("on", g.Facts().Describe())

		kept, err := os.Create(id + ".ndjson")
		if err != nil {
			return err
		}
		defer kept.Close()
		s, err := g.StartRun(ctx, guest.Run{ID: id, Plan: plan, Files: []transfer.File{driver}, Journal: kept})
		for err == nil {
			var r journal.Record
			r, err = s.Next(ctx)
			if lost, ok := errors.AsType[*guest.LostError](err); ok {
				s.Close()
				s, err = g.Follow(ctx, id, lost.Position, kept)
				continue
			}
			if err == nil {
				fmt.Println(r.Ev)
			}
		}
		if s != nil {
			s.Close()
		}
		if err == io.EOF {
			return nil
		}
		return err
	}
	_ = run // needs a guest: see TestRealAgent
}

// Facts that are unknown are not claimed as capabilities.
func ExampleFacts_Capabilities() {
	yes := true
	wine := guest.Facts{Wine: "8.0", OSName: "Windows 10 Pro", Build: 19045, Arch: "x64", Admin: &yes}
	fmt.Println(wine.Describe(), wine.Capabilities())
	// Output:
	// wine 8.0 as Windows 10 Pro (19045) [admin test-signing wine x64]
}
