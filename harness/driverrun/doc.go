// Package driverrun says what becomes of one run of the driver in a guest: from its start, over the cases, to its unload.
//
// [State] is a fold. It is given what happened ([Input]: a record of the guest's journal, the machine's own word, a time
// that is up, an answer to what it asked) and returns what follows ([Effects]: events for the record of the run, orders to
// the guest, and the one thing to be done next). It does nothing itself: no files, no network, no clock, no context. So a
// controller that is resumed feeds the same words to the same fold and comes to the same verdicts.
//
// The phases of a driver run, each with the one action that it waits for:
//
//	Following ──── the journal is read as it is written            Listen
//	  │   ▲
//	  │   ├─ Doubting ─ a case's end may be that of a crash: the machine may tell of it   AwaitCrash
//	  ▼   │
//	Reconnecting ─ it broke off: what became of the guest?         Reconnect, Follow, StartAgain
//	  │
//	Awaiting ───── the machine may still tell of a crash           AwaitCrash
//	  │
//	Reading ────── the journal of a boot that is over, to its end  ReadRest
//	  │
//	Collecting ─── evidence, one collector after the other         Collect
//	  │
//	Confirming ─── all ended well: the machine is looked at once more  Confirm
//	  │
//	Over ───────── everything is judged                            none
//
// Which verdicts an ending comes to is in ending.go, on one page. What is as expected stays provisional until the clean
// end of the driver is on record: see [State.proven].
package driverrun
