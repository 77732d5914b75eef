// Package replaytest serves what a recording has of a machine as the machine itself would, so that tests can hold today's
// client to it: whoever has a Windows gives us how it answers, once, and every later change is tried against that.
//
//	r := replaytest.New(lines) // of a recording
//	for _, shell := range r.Shells {
//		differences, left := shell.Hold(ctx, t) // does again what was done in it, with a client of package remote
//	}
//
// A [Shell] is served by itself: as an endpoint of WinRM that has this shell, and knows what was said in it, in which
// order. The answers are the recorded ones, byte by byte, but for the id of the request that they are an answer to; so the
// ids of shells and commands, which a server gives, are the recorded ones as well. A request has a place: the next of its
// action for its command. It is compared with what the recording has there, by all that a server acts on: not by ids of
// messages, addresses, or the limits that a client says it has; input is compared as a stream, in whichever pieces it comes.
// What differs is answered with 409 and the number of the recorded line, and so is everything behind it.
//
// Of a command the answers are given in the order in which they were given then: one waits until those before it have been
// asked for. A request that was not answered loses its connection again; one that the controller itself had given up is held
// until the client gives it up.
package replaytest
