// Package guest is the agent's other end. It finds out what a guest is, and runs plans there whose journal it follows, all of it
// over WinRM and through the one program that the harness has in a guest, wskagent.exe; docs/protocol.md is what the two have
// agreed on. Its files are moved by package transfer, the records of its runs are those of package journal, and the ways in which
// the agent fails are those of package agent.
//
//	g, err := guest.Connect(ctx, client, guest.Options{Agent: guest.Agent{Path: exe, SHA256: hash}})
//	…
//	defer g.Close(ctx)
//	fmt.Println(g.Facts().Describe()) // wine 8.0 as Windows 10 (19045)
//
//	s, err := g.StartRun(ctx, guest.Run{ID: id, Plan: plan, Files: files, Journal: raw})
//	…
//	defer s.Close()
//	for {
//		record, err := s.Next(ctx)
//		if err == io.EOF {
//			break // run-end was delivered
//		}
//		if lost, ok := errors.AsType[*guest.LostError](err); ok {
//			s, err = g.Follow(ctx, id, lost.Position, raw) // the run goes on meanwhile
//		}
//		…
//	}
//
// # What can be relied on
//
//   - What can be done twice without harm (a probe, a push, a pull, following a journal) is tried
//     again when contact was lost, for as long as it gets on; a shell that is gone is replaced. What
//     can't (StartRun, Exec) is not.
//   - After a shell was lost the boot id is compared before anything else is done. A guest that has
//     rebooted refuses everything with *[RebootedError] until Refresh is called, so that a reboot
//     can't go unnoticed.
//   - The copy of a journal holds whole, checked records and nothing else: its length is the offset
//     to follow from.
//   - Whatever a guest sends is bounded and checked: frames, JSON, lines, journals, complaints.
package guest
